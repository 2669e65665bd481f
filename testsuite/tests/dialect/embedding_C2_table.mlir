// The table of a weight: shape, element type, scale, group.
func.func @f(%i: tensor<5xi64>, %t: tensor<512x32xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x32xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xi8>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x64xi8>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>, %s: tensor<512xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) scale(%s : tensor<512xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding dense group 32 ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xi8>, %o: tensor<5x64xf32>) {
  %0 = spec.embedding i8 ins(%i, %t : tensor<5xi64>, tensor<512x64xi8>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xi8>, %o: tensor<5x64xf32>, %s: tensor<512x4xf32>) {
  %0 = spec.embedding i8 group 16 ins(%i, %t : tensor<5xi64>, tensor<512x64xi8>) scale(%s : tensor<512x4xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x32xi8>, %o: tensor<5x64xf32>, %s: tensor<512xf32>) {
  %0 = spec.embedding i4 ins(%i, %t : tensor<5xi64>, tensor<512x32xi8>) scale(%s : tensor<512xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xi8>, %o: tensor<5x64xf32>, %s: tensor<512x2xf32>) {
  %0 = spec.embedding i4 group 32 ins(%i, %t : tensor<5xi64>, tensor<512x64xi8>) scale(%s : tensor<512x2xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
// -----
func.func @f(%i: tensor<5xi64>, %t: tensor<512x32xi8>, %o: tensor<5x64xf32>, %s: tensor<64x2xf32>) {
  %0 = spec.embedding i4 group 32 ins(%i, %t : tensor<5xi64>, tensor<512x32xi8>) scale(%s : tensor<64x2xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  return
}
