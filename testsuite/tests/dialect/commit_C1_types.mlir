func.func @f(%r: tensor<4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf16>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<1x4xf16> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<?x4xf32>, %c: tensor<8x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<?x4xf32> into tensor<8x4xf32>
  return
}
// -----
func.func @f(%r: tensor<1x4xf32>, %c: tensor<?x4xf32>, %p: index) {
  %0 = spec.commit %r into %c at %p : index dim 0 : tensor<1x4xf32> into tensor<?x4xf32>
  return
}
