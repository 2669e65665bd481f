// What the parser and ODS check.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear in_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in i5 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %s: tensor<32xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in i8 activations int4 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%s : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense group ten ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: vector<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, vector<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<*xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<*xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: memref<5x64xf32>, %w: memref<32x64xf32, affine_map<(i, j) -> (i * 64 + j floordiv 2)>>, %o: memref<5x32xf32>) {
  spec.linear out_in dense ins(%x, %w : memref<5x64xf32>, memref<32x64xf32, affine_map<(i, j) -> (i * 64 + j floordiv 2)>>) outs(%o : memref<5x32xf32>)
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = "spec.linear"(%x, %w, %o) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 1>}> : (tensor<5x64xf32>, tensor<32x64xf32>, tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = "spec.linear"(%x, %w, %o) <{layout = #spec<layout out_in>, format = #spec<format dense>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1>}> : (tensor<5x64xf32>, tensor<32x64xf32>, tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
