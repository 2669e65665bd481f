// Ranks, shapes that differ, sizes not known.
func.func @f(%x: tensor<64xf32>, %o: tensor<64xf32>) {
  %0 = spec.activation silu ins(%x : tensor<64xf32>) outs(%o : tensor<64xf32>) -> tensor<64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %o: tensor<64x5xf32>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) outs(%o : tensor<64x5xf32>) -> tensor<64x5xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %o: tensor<5x64xf32>, %u: tensor<1x64xf32>) {
  %0 = spec.activation silu ins(%x : tensor<5x64xf32>) gates(%u : tensor<1x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<?x64xf32>, %o: tensor<?x64xf32>) {
  %0 = spec.activation silu ins(%x : tensor<?x64xf32>) outs(%o : tensor<?x64xf32>) -> tensor<?x64xf32>
  return
}
