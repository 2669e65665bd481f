// Every function, gated and not, every type, tensors and memrefs.
func.func @tensors(%x: tensor<5x64xf32>, %up: tensor<5x64xf16>, %h: tensor<5x64xbf16>) -> (tensor<5x64xf32>, tensor<5x64xbf16>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %1 = spec.activation gelu_tanh ins(%0 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %2 = spec.activation gelu ins(%1 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %3 = spec.activation relu ins(%2 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %4 = spec.activation relu2 ins(%3 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %5 = spec.activation sigmoid ins(%4 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %6 = spec.activation tanh ins(%5 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %7 = spec.activation identity ins(%6 : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  %8 = spec.activation silu ins(%7 : tensor<5x64xf32>) gates(%up : tensor<5x64xf16>) outs(%h : tensor<5x64xbf16>) {note = "gated"} -> tensor<5x64xbf16>
  return %7, %8 : tensor<5x64xf32>, tensor<5x64xbf16>
}
func.func @buffers(%x: memref<5x64xf32, strided<[128, 1]>>, %up: memref<5x64xf32, strided<[128, 1], offset: 64>>, %y: memref<5x64xf32>) {
  spec.activation gelu_tanh ins(%x : memref<5x64xf32, strided<[128, 1]>>) gates(%up : memref<5x64xf32, strided<[128, 1], offset: 64>>) outs(%y : memref<5x64xf32>)
  spec.activation relu ins(%y : memref<5x64xf32>) outs(%y : memref<5x64xf32>)
  return
}
