func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: tensor<2xi64>) {
  %0 = spec.commit %r into %c at %p : tensor<2xi64> dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: tensor<f32>) {
  %0 = spec.commit %r into %c at %p : tensor<f32> dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %p: tensor<?xi64>) {
  %0 = spec.commit %r into %c at %p : tensor<?xi64> dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  return
}
