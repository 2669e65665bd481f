// Caches of the wrong rank, length of heads, layout; heads that are not divided; no heads; new rows of the wrong shape.
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<32x8xf32>, %v: tensor<32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<32x8xf32>, tensor<32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x16xf32>, %v: tensor<2x32x16xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x16xf32>, tensor<2x32x16xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x31x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x31x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<3x32x8xf32>, %v: tensor<3x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<3x32x8xf32>, tensor<3x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention token_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<0x32x8xf32>, %v: tensor<0x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<0x32x8xf32>, tensor<0x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<8x32x8xf32>, %v: tensor<8x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<8x32x8xf32>, tensor<8x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %kn: tensor<5x2x8xf32>, %vn: tensor<2x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) new(%kn, %vn : tensor<5x2x8xf32>, tensor<2x5x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %kn: tensor<2x5x8xf32>, %vn: tensor<2x4x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) new(%kn, %vn : tensor<2x5x8xf32>, tensor<2x4x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<32x2x8xf32>, %v: tensor<32x2x8xf32>, %o: tensor<4x5x8xf32>, %kn: tensor<2x5x8xf32>, %vn: tensor<2x5x8xf32>, %p: index) {
  %0 = spec.attention token_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<32x2x8xf32>, tensor<32x2x8xf32>) new(%kn, %vn : tensor<2x5x8xf32>, tensor<2x5x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
