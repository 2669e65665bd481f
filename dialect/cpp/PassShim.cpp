// mlir::Pass over callbacks, with options that MLIR itself parses, and pipelines over text.
#include "SpecCAPI.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include <memory>
#include <variant>
#include <vector>

using namespace mlir;

namespace {
// Options of a pass or pipeline, declared at run time.
template <template <typename> class Option>
struct Options {
  using Str = Option<std::string>;
  using Int = Option<int64_t>;
  using Bool = Option<bool>;
  using Any = std::variant<std::unique_ptr<Str>, std::unique_ptr<Int>, std::unique_ptr<Bool>>;
  std::vector<Any> list;

  template <typename Parent>
  void declare(Parent &parent, const SpecOption *options, size_t n) {
    for (size_t i = 0; i < n; ++i) {
      const SpecOption &o = options[i];
      StringRef name = unwrap(o.name), def = unwrap(o.defaultValue);
      auto desc = llvm::cl::desc(unwrap(o.description));
      if (o.kind == SPEC_OPT_STRING) {
        list.push_back(std::make_unique<Str>(parent, name, desc, llvm::cl::init(def.str())));
      } else if (o.kind == SPEC_OPT_INT) {
        int64_t value = 0;
        (void)def.getAsInteger(10, value);
        list.push_back(std::make_unique<Int>(parent, name, desc, llvm::cl::init(value)));
      } else {
        list.push_back(std::make_unique<Bool>(parent, name, desc, llvm::cl::init(def == "true")));
      }
    }
  }
  template <typename T>
  const T &get(size_t i) { return std::get<std::unique_ptr<Option<T>>>(list[i])->getValue(); }
};

class RustPass : public Pass {
public:
  explicit RustPass(const SpecPassDesc *desc, void *state)
      : Pass(TypeID::getFromOpaquePointer(desc),
             desc->opName.length ? std::optional<StringRef>(unwrap(desc->opName)) : std::nullopt),
        desc(desc), state(state) {
    optionList.declare(*this, desc->options, desc->nOptions);
  }
  ~RustPass() override { desc->destroy(state); }

  StringRef getName() const override { return unwrap(desc->name); }
  StringRef getArgument() const override { return unwrap(desc->argument); }
  StringRef getDescription() const override { return unwrap(desc->description); }
  bool canScheduleOn(RegisteredOperationName name) const override {
    return !desc->opName.length || name.getStringRef() == unwrap(desc->opName);
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    for (size_t i = 0; i < desc->nDependentDialects; ++i)
      mlirDialectHandleInsertDialect(desc->dependentDialects[i], wrap(&registry));
  }
  LogicalResult initialize(MLIRContext *ctx) override {
    return unwrap(desc->initialize(state, SpecPassHandle{this}, wrap(ctx)));
  }
  void runOnOperation() override {
    if (failed(unwrap(desc->run(state, SpecPassHandle{this}, wrap(getOperation())))))
      signalPassFailure();
  }
  std::unique_ptr<Pass> clonePass() const override { return std::make_unique<RustPass>(desc, desc->clone(state)); }
  void preserveAll() { markAllAnalysesPreserved(); }

  const SpecPassDesc *desc;
  void *state;
  Options<Pass::Option> optionList;
};
RustPass *get(SpecPassHandle p) { return static_cast<RustPass *>(p.ptr); }

// The options of a pipeline: only for parsing errors and --help; expansion works on the option text.
struct PipelineOptions : detail::PassOptions {
  template <typename T> using Opt = detail::PassOptions::Option<T>;
  explicit PipelineOptions(const SpecPipelineDesc *desc) { optionList.declare(*this, desc->options, desc->nOptions); }
  Options<Opt> optionList;
};

// What MLIR says of a bad option (nothing, if it has printed it already), and which options there are.
std::string optionError(const SpecPipelineDesc *desc, StringRef message) {
  StringRef said = message.trim();
  said.consume_front("<Pass-Options-Parser>: ");
  std::string text = said.empty() ? "an option has a value of the wrong type (see above)" : said.str();
  text += "; the options are";
  for (size_t i = 0; i < desc->nOptions; ++i)
    text += (i ? ", " : " ") + unwrap(desc->options[i].name).str();
  return text;
}

struct Expansion {
  bool ok = false;
  std::string text;
};
void keepExpansion(void *cookie, bool ok, MlirStringRef text) {
  *static_cast<Expansion *>(cookie) = {ok, unwrap(text).str()};
}
} // namespace

extern "C" {
void specRegisterPass(const SpecPassDesc *desc) {
  mlir::registerPass([desc]() -> std::unique_ptr<Pass> { return std::make_unique<RustPass>(desc, desc->create()); });
}

void specRegisterPipeline(const SpecPipelineDesc *desc) {
  mlir::registerPassPipeline(
      unwrap(desc->argument), unwrap(desc->description),
      [desc](OpPassManager &pm, StringRef options, function_ref<LogicalResult(const Twine &)> errorHandler) -> LogicalResult {
        PipelineOptions check(desc);
        std::string message;
        llvm::raw_string_ostream os(message);
        if (failed(check.parseFromString(options, os)))
          return errorHandler(unwrap(desc->argument) + ": " + optionError(desc, message));
        Expansion expansion;
        desc->expand(desc->userData, wrap(options), keepExpansion, &expansion);
        if (!expansion.ok)
          return errorHandler(expansion.text);
        if (failed(parsePassPipeline(expansion.text, pm, os)))
          return errorHandler(message);
        return success();
      },
      [desc](function_ref<void(const detail::PassOptions &)> visit) {
        PipelineOptions options(desc);
        visit(options);
      });
}

MlirStringRef specPassOptionString(SpecPassHandle p, size_t i) { return wrap(StringRef(get(p)->optionList.get<std::string>(i))); }
int64_t specPassOptionInt(SpecPassHandle p, size_t i) { return get(p)->optionList.get<int64_t>(i); }
bool specPassOptionBool(SpecPassHandle p, size_t i) { return get(p)->optionList.get<bool>(i); }
void specPassMarkAllAnalysesPreserved(SpecPassHandle p) { get(p)->preserveAll(); }
}
