// Both kinds; a bias; a weight that is one less (Gemma); no epsilon; every type; strided rows; tensors and memrefs.
func.func @tensors(%x: tensor<5x64xf32>, %w: tensor<64xbf16>, %b: tensor<64xf16>, %o: tensor<5x64xf32>) -> tensor<5x64xf32> {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xbf16>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  %1 = spec.norm rms eps 1.0e-6 weight_offset 1.0 ins(%0, %w : tensor<5x64xf32>, tensor<64xbf16>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  %2 = spec.norm layer eps 0.0 ins(%1, %w : tensor<5x64xf32>, tensor<64xbf16>) bias(%b : tensor<64xf16>) outs(%o : tensor<5x64xf32>) {note = "layer"} -> tensor<5x64xf32>
  return %2 : tensor<5x64xf32>
}
func.func @buffers(%x: memref<5x64xf16, strided<[128, 1]>>, %w: memref<64xf32>, %b: memref<64xf32>) {
  spec.norm layer eps 1.0e-5 ins(%x, %w : memref<5x64xf16, strided<[128, 1]>>, memref<64xf32>) bias(%b : memref<64xf32>) outs(%x : memref<5x64xf16, strided<[128, 1]>>)
  return
}
