// Types that are no float of 16 or 32 bits.
func.func @f(%q: tensor<4x5x8xf64>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf64>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf64>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf64>) -> tensor<4x5x8xf64>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xi8>, %v: tensor<2x32x8xi8>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xi8>, tensor<2x32x8xi8>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %m: tensor<5x32xi1>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) mask(%m : tensor<5x32xi1>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %kn: tensor<2x5x8xf32>, %vn: tensor<2x5x8xf64>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) new(%kn, %vn : tensor<2x5x8xf32>, tensor<2x5x8xf64>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
