func.func @f(%r: tensor<9x4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<9x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x3xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<1x3xf32> into tensor<8x4xf32>
  return
}
