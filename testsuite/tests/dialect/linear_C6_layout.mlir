// Quantised weights are out_in.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64x32xi8>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear in_out i8 ins(%x, %w : tensor<5x64xf32>, tensor<64x32xi8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x32xi8>, %o: tensor<5x32xf32>, %s: tensor<32x2xf32>) {
  %0 = spec.linear in_out i4 group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x32xi8>) scale(%s : tensor<32x2xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
