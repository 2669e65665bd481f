// Types and attributes that ODS checks.
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: f32) {
  %0 = spec.commit %r into %c at %p : f32 dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: vector<4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : vector<4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim one : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1xi64>, %p: index) {
  %0 = "spec.commit"(%r, %r, %p) : (tensor<1xi64>, tensor<1xi64>, index) -> tensor<1xi64>
  return
}
