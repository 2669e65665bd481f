// The C interface between C++ and the Rust side of the dialect.
#pragma once
#include "mlir-c/IR.h"
#include "mlir-c/Pass.h"
extern "C" {
//===-- the dialect --===//
void specDialectInsert(MlirDialectRegistry registry);
/// The value of a named field of a spec attribute as a builtin attribute (string, i64, f64, type, dense i64 array), or
/// null if `attr` is no spec attribute or has no such field.
MlirAttribute specAttrGetField(MlirAttribute attr, MlirStringRef field);
/// The mnemonic of a spec attribute ("placement"), or an empty string.
MlirStringRef specAttrGetMnemonic(MlirAttribute attr);

//===-- what mlir-c lacks --===//
typedef enum { SPEC_ERROR = 0, SPEC_WARNING = 1, SPEC_REMARK = 2 } SpecSeverity;
/// Emits a diagnostic with n attached notes.
void specEmit(MlirLocation loc, SpecSeverity severity, MlirStringRef message, size_t n, const MlirLocation *noteLocs,
              const MlirStringRef *notes);
/// True if the op's dialect is not loaded or does not know the op.
bool specOpIsUnregistered(MlirOperation op);
/// True if the op has no side effects (recursively) and may be duplicated.
bool specOpIsPure(MlirOperation op);
/// The bytes behind a dense_resource attribute, as they lie in memory; empty if it is something else, or they are not in the module.
MlirStringRef specResourceBytes(MlirAttribute attr);
/// What to do about a dialect that upstream MLIR lacks, or an empty string if it is not one that we know.
MlirStringRef specForeignAdvice(MlirStringRef dialect);

//===-- passes --===//
typedef enum { SPEC_OPT_STRING = 0, SPEC_OPT_INT = 1, SPEC_OPT_BOOL = 2 } SpecOptionKind;
typedef struct { MlirStringRef name, description, defaultValue; SpecOptionKind kind; } SpecOption;
typedef struct SpecPassHandle { void *ptr; } SpecPassHandle;
typedef struct {
  MlirStringRef argument, name, description, opName; // opName empty: any op
  const MlirDialectHandle *dependentDialects; size_t nDependentDialects;
  const SpecOption *options; size_t nOptions;
  // All callbacks must not unwind.
  void *(*create)();
  void *(*clone)(const void *state);
  void (*destroy)(void *state);
  MlirLogicalResult (*initialize)(void *state, SpecPassHandle pass, MlirContext ctx);
  MlirLogicalResult (*run)(void *state, SpecPassHandle pass, MlirOperation op);
} SpecPassDesc;
/// Registers the pass; desc must live for ever (its address is the pass's TypeID).
void specRegisterPass(const SpecPassDesc *desc);
MlirStringRef specPassOptionString(SpecPassHandle pass, size_t index);
int64_t specPassOptionInt(SpecPassHandle pass, size_t index);
bool specPassOptionBool(SpecPassHandle pass, size_t index);
void specPassMarkAllAnalysesPreserved(SpecPassHandle pass);

/// Registers a named pipeline. `expand` turns its option string into a textual pipeline and hands it (or, with
/// ok = false, an error message) to `sink` exactly once.
typedef void (*SpecPipelineSink)(void *cookie, bool ok, MlirStringRef text);
typedef struct {
  MlirStringRef argument, description;
  const SpecOption *options; size_t nOptions;
  void (*expand)(const void *userData, MlirStringRef options, SpecPipelineSink sink, void *cookie);
  const void *userData;
} SpecPipelineDesc;
void specRegisterPipeline(const SpecPipelineDesc *desc);

//===-- spec-opt --===//
/// mlir-opt's main loop, with the spec dialect and stubs for foreign dialects (which give a helpful error).
int specMlirOptMain(int argc, char **argv, const char *toolName);
}
