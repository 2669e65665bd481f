// Types that are no float of 16 or 32 bits.
func.func @f(%x: tensor<5x64xi32>, %o: tensor<5x64xi32>) {
  %0 = spec.activation relu ins(%x : tensor<5x64xi32>) outs(%o : tensor<5x64xi32>) -> tensor<5x64xi32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %o: tensor<5x64xf32>, %u: tensor<5x64xf64>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) gates(%u : tensor<5x64xf64>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %o: tensor<5x64xi8>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) outs(%o : tensor<5x64xi8>) -> tensor<5x64xi8>
  return
}
