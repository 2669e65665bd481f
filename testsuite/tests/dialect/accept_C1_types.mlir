func.func @f(%d: tensor<1x2xi64>, %c: tensor<3xi64>) {
  %0 = spec.accept %d against %c : tensor<1x2xi64>, tensor<3xi64>
  return
}
// -----
func.func @f(%d: tensor<2xi64>, %c: tensor<3xi32>) {
  %0 = spec.accept %d against %c : tensor<2xi64>, tensor<3xi32>
  return
}
// -----
func.func @f(%d: tensor<2xf32>, %c: tensor<3xf32>) {
  %0 = spec.accept %d against %c : tensor<2xf32>, tensor<3xf32>
  return
}
// -----
func.func @f(%d: tensor<?xi64>, %c: tensor<3xi64>) {
  %0 = spec.accept %d against %c : tensor<?xi64>, tensor<3xi64>
  return
}
