// What the parser and ODS check.
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention row_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 softcap none ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p : index) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: i64) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) new(%k : tensor<2x32x8xf32>) position(%p) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %p: index) {
  %0 = "spec.attention"(%q, %k, %k, %p, %q) <{kv_layout = #spec<kv_layout head_major>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 1>}> : (tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>, index, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
