// What the parser checks.
func.func @f(%x: tensor<5x512xf32>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) -> tensor<5xi64>
  return
}
// -----
func.func @f(%x: tensor<5x512xf32>, %i: tensor<5xi64>) {
  %0 = spec.argmax largest ins(%x : tensor<5x512xf32>) outs(%i : tensor<5xi64>) -> tensor<5xi64>
  return
}
