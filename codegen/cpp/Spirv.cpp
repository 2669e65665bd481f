// SPIR-V: MLIR's serializer, and SPIRV-Tools' validator and disassembler. What they produce goes to a callback.
#include "mlir-c/IR.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Support.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include <spirv-tools/libspirv.h>

using namespace mlir;

namespace {
// The rules of Vulkan 1.3: what devices that we compile for have at least.
constexpr spv_target_env environment = SPV_ENV_VULKAN_1_3;

// Hands over what went wrong, and frees it.
void tell(spv_diagnostic diagnostic, MlirStringCallback callback, void *data) {
  if (diagnostic) {
    std::string text = "word " + std::to_string(diagnostic->position.index) + ": " + diagnostic->error;
    callback(wrap(StringRef(text)), data);
  }
  spvDiagnosticDestroy(diagnostic);
}
} // namespace

extern "C" {
/// Words of a spirv.module, as bytes. Fails with diagnostics.
MlirLogicalResult specSpirvSerialize(MlirOperation op, bool names, bool lines, MlirStringCallback callback, void *data) {
  auto module = dyn_cast<spirv::ModuleOp>(unwrap(op));
  if (!module)
    return wrap(failure());
  spirv::SerializationOptions options;
  options.emitSymbolName = names;
  options.emitDebugInfo = lines;
  SmallVector<uint32_t, 0> words;
  if (failed(spirv::serialize(module, words, options)))
    return wrap(failure());
  callback(wrap(StringRef(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t))), data);
  return wrap(success());
}

/// Whether a module obeys the rules; if not, the callback gets why.
bool specSpirvValidate(const uint32_t *words, size_t n, MlirStringCallback callback, void *data) {
  spv_context context = spvContextCreate(environment);
  spv_const_binary_t binary = {words, n};
  spv_diagnostic diagnostic = nullptr;
  bool valid = spvValidate(context, &binary, &diagnostic) == SPV_SUCCESS;
  tell(diagnostic, callback, data);
  spvContextDestroy(context);
  return valid;
}

/// Assembly text with names, or false and why there is none.
bool specSpirvDisassemble(const uint32_t *words, size_t n, MlirStringCallback callback, void *data) {
  spv_context context = spvContextCreate(environment);
  spv_text text = nullptr;
  spv_diagnostic diagnostic = nullptr;
  uint32_t options = SPV_BINARY_TO_TEXT_OPTION_INDENT | SPV_BINARY_TO_TEXT_OPTION_FRIENDLY_NAMES;
  bool done = spvBinaryToText(context, words, n, options, &text, &diagnostic) == SPV_SUCCESS;
  if (done)
    callback(wrap(StringRef(text->str, text->length)), data);
  tell(diagnostic, callback, data);
  spvTextDestroy(text);
  spvContextDestroy(context);
  return done;
}
}
