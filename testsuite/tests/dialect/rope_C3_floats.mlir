// Types that are no float of 16 or 32 bits.
func.func @f(%x: tensor<9x5x64xf64>, %c: tensor<5x32xf32>, %s: tensor<5x32xf32>, %o: tensor<9x5x64xf64>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf64>, tensor<5x32xf32>, tensor<5x32xf32>) outs(%o : tensor<9x5x64xf64>) -> tensor<9x5x64xf64>
  return
}
// -----
func.func @f(%x: tensor<9x5x64xf32>, %c: tensor<5x32xf32>, %s: tensor<5x32xi32>, %o: tensor<9x5x64xf32>) {
  %0 = spec.rope half token_dim 1 ins(%x, %c, %s : tensor<9x5x64xf32>, tensor<5x32xf32>, tensor<5x32xi32>) outs(%o : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return
}
