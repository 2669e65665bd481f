// Groups of a dense weight; sizes that are not possible; a group for i4 is a must; groups divide K.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense group 32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32x4xf32>) {
  %0 = spec.linear out_in i8 group 16 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32x4xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %o: tensor<5x32xf32>, %s: tensor<32x2xf32>) {
  %0 = spec.linear out_in i8 group -32 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32x2xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x32xi8>, %o: tensor<5x32xf32>, %s: tensor<32xf32>) {
  %0 = spec.linear out_in i4 ins(%x, %w : tensor<5x64xf32>, tensor<32x32xi8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x96xf32>, %w: tensor<32x96xi8>, %o: tensor<5x32xf32>, %s: tensor<32x1xf32>) {
  %0 = spec.linear out_in i8 group 64 ins(%x, %w : tensor<5x96xf32>, tensor<32x96xi8>) scale(%s : tensor<32x1xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x33xf32>, %w: tensor<32x16xi8>, %o: tensor<5x32xf32>, %s: tensor<32x1xf32>) {
  %0 = spec.linear out_in i4 group 32 ins(%x, %w : tensor<5x33xf32>, tensor<32x16xi8>) scale(%s : tensor<32x1xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
