// Ranks, rows that differ, types, sizes not known.
func.func @f(%x: tensor<512xf32>, %o: tensor<1xi64>) {
  %0 = spec.argmax ins(%x : tensor<512xf32>) outs(%o : tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
func.func @f(%x: tensor<5x512xf32>, %o: tensor<4xi64>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) outs(%o : tensor<4xi64>) -> tensor<4xi64>
  return
}
// -----
func.func @f(%x: tensor<5x512xf32>, %o: tensor<5x1xi64>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) outs(%o : tensor<5x1xi64>) -> tensor<5x1xi64>
  return
}
// -----
func.func @f(%x: tensor<5x512xf32>, %o: tensor<5xf32>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) outs(%o : tensor<5xf32>) -> tensor<5xf32>
  return
}
// -----
func.func @f(%x: tensor<5x512xf32>, %o: tensor<5xi16>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) outs(%o : tensor<5xi16>) -> tensor<5xi16>
  return
}
// -----
func.func @f(%x: tensor<5x512xi32>, %o: tensor<5xi32>) {
  %0 = spec.argmax ins(%x : tensor<5x512xi32>) outs(%o : tensor<5xi32>) -> tensor<5xi32>
  return
}
// -----
func.func @f(%x: tensor<5x?xf32>, %o: tensor<5xi64>) {
  %0 = spec.argmax ins(%x : tensor<5x?xf32>) outs(%o : tensor<5xi64>) -> tensor<5xi64>
  return
}
