// A bias of the wrong length or rank.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>, %b: tensor<64xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) bias(%b : tensor<64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>, %b: tensor<1x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) bias(%b : tensor<1x32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
