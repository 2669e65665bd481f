// Ranks, a result of another shape, sizes not known.
func.func @f(%q: tensor<4x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<5x4x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<5x4x8xf32>) -> tensor<5x4x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x?x8xf32>, %v: tensor<2x?x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
