// Neither position nor mask; both.
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %p: index, %m: tensor<5x32xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) position(%p) mask(%m : tensor<5x32xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
