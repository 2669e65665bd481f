// mlir-opt's own main loop as a C function: all of its dialects, passes and flags, plus the spec dialect, plus stubs for
// dialects that users feed us and upstream MLIR does not have.
#include "Foreign.h"
#include "SpecCAPI.h"
#include "SpecDialect.h"
#include "mlir-c/RegisterEverything.h"
#include "mlir/CAPI/IR.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include <csignal>

using namespace mlir;

namespace {
// Knows one thing: what to tell the user.
class ForeignDialect : public Dialect {
public:
  ForeignDialect(MLIRContext *ctx, Foreign foreign)
      : Dialect(foreign.name, ctx, TypeID::getFromOpaquePointer(foreign.name)), foreign(foreign),
        hook([this](OpAsmParser &parser, OperationState &) -> ParseResult {
        // the parser itself starts the message with "custom op '...'"
          return parser.emitError(parser.getNameLoc()) << message("");
        }) {
    allowUnknownOperations(); // in generic form they parse; spec-identify then rejects them
  }
  std::optional<ParseOpHook> getParseOperationHook(StringRef) const override { return ParseOpHook(hook); }
  Type parseType(DialectAsmParser &parser) const override {
    parser.emitError(parser.getNameLoc()) << message("type '!" + std::string(foreign.name) + "'");
    return {};
  }
  Attribute parseAttribute(DialectAsmParser &parser, Type) const override {
    parser.emitError(parser.getNameLoc()) << message("attribute '#" + std::string(foreign.name) + "'");
    return {};
  }
  static void insert(DialectRegistry &registry) {
    for (const Foreign &f : foreignDialects)
      registry.insert(TypeID::getFromOpaquePointer(f.name), f.name,
                      [f](MLIRContext *ctx) -> Dialect * {
                        return ctx->getOrLoadDialect(f.name, TypeID::getFromOpaquePointer(f.name),
                                                     [&] { return std::make_unique<ForeignDialect>(ctx, f); });
                      });
  }

private:
  std::string message(const std::string &what) const {
    return what + (what.empty() ? "" : " ") + "is of the '" + foreign.name + "' dialect, which is not part of upstream MLIR: " + foreign.advice;
  }
  Foreign foreign;
  std::function<ParseResult(OpAsmParser &, OperationState &)> hook; // MLIR keeps only a reference
};
} // namespace

extern "C" int specMlirOptMain(int argc, char **argv, const char *toolName) {
  // Rust ignores SIGPIPE; as in mlir-opt, `spec-opt ... | head` ends quietly
  std::signal(SIGPIPE, SIG_DFL);
  DialectRegistry registry;
  mlirRegisterAllDialects(wrap(&registry)); // dialects, extensions, inliner and other external models
  registry.insert<spec::SpecDialect>();
  ForeignDialect::insert(registry);
  return asMainReturnCode(MlirOptMain(argc, argv, toolName, registry));
}
