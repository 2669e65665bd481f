// The weight has the wrong shape, the other layout, the wrong elements.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x63xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x63xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64x32xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<64x32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear in_out dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64x1xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64x1xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf64>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf64>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x32xi8>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x32xi8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xui8>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xui8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32x2xf32>) {
  %0 = spec.linear out_in i4 group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32x2xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi4>, %o: tensor<5x32xf32>, %s: tensor<32x2xf32>) {
  %0 = spec.linear out_in i4 group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi4>) scale(%s : tensor<32x2xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
