func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 2 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim -1 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<f32>, %c: tensor<f32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<f32> into tensor<f32>
  return
}
