// Types that are no float of 16 or 32 bits.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf64>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf64>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xi8>, %w: tensor<64xf32>, %o: tensor<5x64xi8>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xi8>, tensor<64xf32>) outs(%o : tensor<5x64xi8>) -> tensor<5x64xi8>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>, %b: tensor<64xi32>) {
  %0 = spec.norm layer eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) bias(%b : tensor<64xi32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
