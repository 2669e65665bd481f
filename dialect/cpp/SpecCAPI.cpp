// The dialect and what mlir-c lacks, as C functions. No logic of ours.
#include "SpecCAPI.h"
#include "Foreign.h"
#include "SpecDialect.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Registration.h"
#include "mlir/CAPI/Support.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace spec;

extern "C" { MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(Spec, spec); } // DEFINE alone would have C++ linkage
MLIR_DEFINE_CAPI_DIALECT_REGISTRATION(Spec, spec, spec::SpecDialect)

namespace {
// Fields by name, as builtin attributes.
struct Field {
  MLIRContext *ctx;
  StringRef wanted;
  Attribute found;
  Field &operator()(StringRef name, StringRef v) { return set(name, StringAttr::get(ctx, v)); }
  Field &operator()(StringRef name, int64_t v) { return set(name, IntegerAttr::get(IntegerType::get(ctx, 64), v)); }
  Field &operator()(StringRef name, llvm::APFloat v) { return set(name, FloatAttr::get(Float64Type::get(ctx), v)); }
  Field &operator()(StringRef name, Type v) { return set(name, TypeAttr::get(v)); }
  Field &operator()(StringRef name, ArrayRef<int64_t> v) { return set(name, DenseI64ArrayAttr::get(ctx, v)); }
  Field &set(StringRef name, Attribute v) {
    if (name == wanted)
      found = v;
    return *this;
  }
};
} // namespace

extern "C" {
void specDialectInsert(MlirDialectRegistry registry) { unwrap(registry)->insert<SpecDialect>(); }

MlirStringRef specAttrGetMnemonic(MlirAttribute attr) {
  Attribute a = unwrap(attr);
  if (isa<PlacementAttr>(a)) return wrap(PlacementAttr::getMnemonic());
  if (isa<PlanAttr>(a)) return wrap(PlanAttr::getMnemonic());
  if (isa<ModelAttr>(a)) return wrap(ModelAttr::getMnemonic());
  if (isa<CallAttr>(a)) return wrap(CallAttr::getMnemonic());
  return wrap(StringRef());
}

MlirAttribute specAttrGetField(MlirAttribute attr, MlirStringRef field) {
  Attribute attribute = unwrap(attr);
  Field f{attribute.getContext(), unwrap(field), {}};
  if (auto a = dyn_cast<PlacementAttr>(attribute))
    f("role", stringifyRole(a.getRole()))("device", a.getDevice())("units", a.getUnits())("dtype", a.getDtype());
  else if (auto a = dyn_cast<PlanAttr>(attribute))
    f("soc", a.getSoc())("host", a.getHost())("draft_length", a.getDraftLength())(
        "strategy", stringifyStrategy(a.getStrategy()))("accept", stringifyAccept(a.getAccept()))(
        "acceptance", a.getAcceptance())("acceptance_source", a.getAcceptanceSource())(
        "tokens_per_second", a.getTokensPerSecond())("speedup", a.getSpeedup())("baseline", a.getBaseline());
  else if (auto a = dyn_cast<CallAttr>(attribute))
    f("model", a.getModel())("role", stringifyRole(a.getRole()))("index", a.getIndex());
  else if (auto a = dyn_cast<ModelAttr>(attribute))
    f("name", a.getName())("role", stringifyRole(a.getRole()))("tokens", a.getTokens())(
        "vocabulary", a.getVocabulary())("layers", a.getLayers())("hidden", a.getHidden())("heads", a.getHeads())(
        "kv_heads", a.getKvHeads())("head_dim", a.getHeadDim())("context_length", a.getContextLength())(
        "parameters", a.getParameters())("bytes", a.getBytes())("dtype", a.getDtype())(
        "token_args", a.getTokenArgs())("position_args", a.getPositionArgs())("cache_args", a.getCacheArgs())(
        "parameter_args", a.getParameterArgs())("logits_results", a.getLogitsResults())(
        "token_results", a.getTokenResults())("cache_results", a.getCacheResults())("row_results", a.getRowResults());
  return wrap(f.found);
}

void specEmit(MlirLocation loc, SpecSeverity severity, MlirStringRef message, size_t n, const MlirLocation *noteLocs,
              const MlirStringRef *notes) {
  Location l = unwrap(loc);
  InFlightDiagnostic d = severity == SPEC_ERROR     ? emitError(l)
                         : severity == SPEC_WARNING ? emitWarning(l)
                                                    : emitRemark(l);
  d << unwrap(message);
  for (size_t i = 0; i < n; ++i)
    d.attachNote(unwrap(noteLocs[i])) << unwrap(notes[i]);
}

bool specOpIsUnregistered(MlirOperation op) { return !unwrap(op)->isRegistered(); }
bool specOpIsPure(MlirOperation op) { return isPure(unwrap(op)); }

MlirStringRef specResourceBytes(MlirAttribute attr) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(unwrap(attr));
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob)
    return wrap(StringRef());
  ArrayRef<char> data = blob->getData();
  return wrap(StringRef(data.data(), data.size()));
}

MlirStringRef specForeignAdvice(MlirStringRef dialect) {
  for (const Foreign &f : foreignDialects)
    if (unwrap(dialect) == f.name)
      return wrap(StringRef(f.advice));
  return wrap(StringRef());
}
}
