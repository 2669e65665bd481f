// Below zero; not a number.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms eps -1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm layer eps 0x7FC00000 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
