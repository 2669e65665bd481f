// Both pairings, tokens in both places, every type, tensors and memrefs.
func.func @tensors(%x: tensor<9x5x64xf32>, %t: tensor<5x9x64xf16>, %c: tensor<5x32xf32>, %s: tensor<5x32xbf16>) -> (tensor<9x5x64xf32>, tensor<5x9x64xf16>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xbf16>) outs(%x : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  %1 = spec.rope interleaved token_dim 0 ins(%t, %c, %s : tensor<5x9x64xf16>, tensor<5x32xf32>, tensor<5x32xbf16>) outs(%t : tensor<5x9x64xf16>) {note = "pairs"} -> tensor<5x9x64xf16>
  return %0, %1 : tensor<9x5x64xf32>, tensor<5x9x64xf16>
}
func.func @buffers(%x: memref<9x1x64xf32, strided<[64, 576, 1], offset: ?>>, %c: memref<1x32xf32>) {
  spec.rope half token_dim 1 ins(%x, %c, %c : memref<9x1x64xf32, strided<[64, 576, 1], offset: ?>>, memref<1x32xf32>, memref<1x32xf32>) outs(%x : memref<9x1x64xf32, strided<[64, 576, 1], offset: ?>>)
  return
}
