// What the parser and ODS check.
func.func @f(%x: tensor<5x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.activation swish ins(%x : tensor<5x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>) {
  %0 = spec.activation ins(%x : tensor<5x64xf32>) outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) gates() outs(%x : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
