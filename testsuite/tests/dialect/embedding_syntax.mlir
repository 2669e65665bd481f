// What the parser and ODS check.
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding sparse ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding  ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i : tensor<5xi64>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
