// Ranks, tokens that differ, sizes not known.
func.func @f(%x: tensor<64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<32xf32>) -> tensor<32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<4x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<4x32xf32>) -> tensor<4x32xf32>
  return
}
// -----
func.func @f(%x: tensor<?x64xf32>, %w: tensor<32x64xf32>, %o: tensor<?x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<?x64xf32>, tensor<32x64xf32>) outs(%o : tensor<?x32xf32>) -> tensor<?x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x?xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x?xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
