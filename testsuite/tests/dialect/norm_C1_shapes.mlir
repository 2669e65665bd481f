// Ranks, lengths that differ, sizes not known.
func.func @f(%x: tensor<64xf32>, %w: tensor<64xf32>, %o: tensor<64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<64xf32>, tensor<64xf32>) outs(%o : tensor<64xf32>) -> tensor<64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<4x64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<4x64xf32>) -> tensor<4x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<5xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<5xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<1x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<1x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>, %b: tensor<63xf32>) {
  %0 = spec.norm layer eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) bias(%b : tensor<63xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<?x64xf32>, %w: tensor<64xf32>, %o: tensor<?x64xf32>) {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}
