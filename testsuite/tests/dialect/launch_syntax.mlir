// No groups, a tensor.
func.func @f() {
  spec.launch @kernels::@k () offsets [] lengths [] access []
  return
}
// -----
func.func @f(%x: tensor<4xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : tensor<4xf32>) offsets [0] lengths [16] access [0]
  return
}
