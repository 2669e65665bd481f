// No scale, a scale too many, wrong shape, wrong type.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<31xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<31xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32x1xf32>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32x1xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in i8 group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<2x32xf32>) {
  %0 = spec.linear out_in i8 group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<2x32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32xbf16>) {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32xbf16>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x32xi8>, %o: tensor<5x32xf32>, %s: tensor<32x2xf16>) {
  %0 = spec.linear out_in i4 group 64 ins(%x, %w : tensor<5x64xf32>, tensor<32x32xi8>) scale(%s : tensor<32x2xf16>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
