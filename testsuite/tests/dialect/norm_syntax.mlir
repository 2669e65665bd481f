// What the parser and ODS check.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm batch eps 1.0e-5 ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.norm rms eps tiny ins(%x, %w : tensor<5x64xf32>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>) {
  %0 = "spec.norm"(%x, %w, %x) : (tensor<5x64xf32>, tensor<64xf32>, tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%x: tensor<5x64xf32>, %w: tensor<64xf32>) {
  %0 = "spec.norm"(%x, %w, %x) <{kind = #spec<norm rms>, eps = 1.0e-5 : f64}> : (tensor<5x64xf32>, tensor<64xf32>, tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
