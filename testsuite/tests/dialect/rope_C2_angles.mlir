// Dimensions that cannot hold tokens; angles for others, or for whole heads.
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 2 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim -1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 0 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<9x32xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<9x32xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x64xf32>, %s: tensor<5x64xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x64xf32>, tensor<5x64xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<1x5x32xf32>, %s: tensor<1x5x32xf32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<1x5x32xf32>, tensor<1x5x32xf32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
