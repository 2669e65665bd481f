// Ranks, numbers of tokens that differ, ids of other types, sizes not known.
func.func @f(%i: tensor<1x5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<1x5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<4xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<4xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xf32>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xf32>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi16>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi16>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xindex>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xindex>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x1x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x1x64xf32>) -> tensor<5x1x64xf32>
  return
}
// -----
func.func @f(%i: tensor<?xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<?xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
