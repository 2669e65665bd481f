// A result too many or too few, tensors among memrefs; in each of the model ops.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>)
  return
}
// -----
func.func @f(%x: memref<5x64xf32>, %w: memref<32x64xf32>, %o: memref<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : memref<5x64xf32>, memref<32x64xf32>) outs(%o : memref<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf16>
  return
}
// -----
func.func @f(%x: memref<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense ins(%x, %w : memref<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: memref<32x64xf32>, %o: memref<5x32xf32>) {
  spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, memref<32x64xf32>) outs(%o : memref<5x32xf32>)
  return
}
// -----
func.func @f(%x: tensor<2x8xf32>, %w: tensor<8xf32>) {
  spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<2x8xf32>, tensor<8xf32>) outs(%x : tensor<2x8xf32>)
  return
}
// -----
func.func @f(%x: memref<2x3x8xf32>, %c: tensor<3x4xf32>) {
  spec.rope half token_dim 1 ins(%x, %c, %c : memref<2x3x8xf32>, tensor<3x4xf32>, tensor<3x4xf32>) outs(%x : memref<2x3x8xf32>)
  return
}
// -----
func.func @f(%q: tensor<2x3x8xf32>, %p: index) {
  spec.attention head_major scale 1.0 ins(%q, %q, %q : tensor<2x3x8xf32>, tensor<2x3x8xf32>, tensor<2x3x8xf32>) position(%p) outs(%q : tensor<2x3x8xf32>)
  return
}
// -----
func.func @f(%x: tensor<2x8xf32>) {
  spec.activation silu ins(%x : tensor<2x8xf32>) outs(%x : tensor<2x8xf32>)
  return
}
// -----
func.func @f(%i: tensor<2xi32>, %t: memref<16x8xf32>, %o: memref<2x8xf32>) {
  spec.embedding dense ins(%i, %t : tensor<2xi32>, memref<16x8xf32>) outs(%o : memref<2x8xf32>)
  return
}
// -----
func.func @f(%x: tensor<2x8xf32>, %o: tensor<2xi32>) {
  %0 = spec.argmax ins(%x : tensor<2x8xf32>) outs(%o : tensor<2xi32>) -> tensor<2xi64>
  return
}
