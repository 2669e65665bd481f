// Dialects that users feed us and upstream MLIR does not have, and what to run first.
#pragma once

struct Foreign { const char *name, *advice; };
inline constexpr Foreign foreignDialects[] = {
    {"stablehlo", "lower it first, for example with stablehlo-opt --stablehlo-legalize-to-linalg or iree-opt --iree-stablehlo-input-transformation-pipeline"},
    {"chlo", "lower it first, with stablehlo-opt --chlo-legalize-to-stablehlo --stablehlo-legalize-to-linalg"},
    {"vhlo", "this is serialised StableHLO: run stablehlo-translate --deserialize, then stablehlo-opt --stablehlo-legalize-to-linalg"},
    {"mhlo", "lower it first, with mlir-hlo-opt --hlo-legalize-to-stablehlo and stablehlo-opt --stablehlo-legalize-to-linalg"},
    {"torch", "lower it first, with torch-mlir-opt --torch-backend-to-linalg-on-tensors-backend-pipeline"},
    {"torch_c", "lower it first, with torch-mlir-opt --torch-backend-to-linalg-on-tensors-backend-pipeline"},
    {"tm_tensor", "this is torch-mlir's own dialect: run torch-mlir-opt --tm-tensor-to-loops, or iree-opt --torch-to-iree, or export the cache update as slices or returned rows"},
    {"onnx", "lower it first, with onnx-mlir --EmitMLIR, or import the model through torch-mlir's ONNX importer to linalg"},
    {"krnl", "this is onnx-mlir's own dialect: import the model through torch-mlir's ONNX importer to linalg instead"},
    {"util", "this is IREE's own dialect: export with the weights as function arguments or constants instead of util.global"},
    {"flow", "this is IREE's own dialect: give the module before IREE's compilation phases (--compile-to=input)"},
    {"stream", "this is IREE's own dialect: give the module before IREE's compilation phases (--compile-to=input), without externalised parameters"},
    {"hal", "this is IREE's own dialect: give the module before IREE's compilation phases (--compile-to=input)"},
    {"iree_linalg_ext", "this is IREE's own dialect: give the module before IREE's compilation phases (--compile-to=input)"},
    {"tf", "lower it first, with tf-mlir-translate and tf-opt to TOSA or StableHLO, then to linalg"},
    {"tfl", "lower it first, with flatbuffer_translate and tf-opt --tfl-to-tosa-pipeline, then mlir-opt --tosa-to-linalg-pipeline"},
};
