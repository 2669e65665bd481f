// Masks of the wrong shape: without the new rows, with new rows that are not there, a row for all tokens.
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %kn: tensor<2x5x8xf32>, %vn: tensor<2x5x8xf32>, %m: tensor<5x32xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) new(%kn, %vn : tensor<2x5x8xf32>, tensor<2x5x8xf32>) mask(%m : tensor<5x32xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %m: tensor<5x37xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) mask(%m : tensor<5x37xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %m: tensor<1x32xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) mask(%m : tensor<1x32xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %v: tensor<2x32x8xf32>, %o: tensor<4x5x8xf32>, %m: tensor<1x5x32xf32>) {
  %0 = spec.attention head_major scale 1.0 ins(%q, %k, %v : tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>) mask(%m : tensor<1x5x32xf32>) outs(%o : tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
