// Ranks, shapes that differ, odd heads, sizes not known.
func.func @f(%x: tensor<5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.rope half token_dim 0 ins(%x, %c, %s : tensor<5x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<5x9x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<5x9x64xf32>) -> tensor<5x9x64xf32>
  return
}
// -----
func.func @f(%x: tensor<9x5x63xf32>, %c: tensor<5x31xf32>, %s: tensor<5x31xf32>, %o: tensor<9x5x63xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x63xf32>, tensor<5x31xf32>, tensor<5x31xf32>) outs(%o : tensor<9x5x63xf32>) -> tensor<9x5x63xf32>
  return
}
// -----
func.func @f(%x: tensor<9x?x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<9x?x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x?x64xf32>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<9x?x64xf32>) -> tensor<9x?x64xf32>
  return
}
