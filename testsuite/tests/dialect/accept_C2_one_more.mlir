func.func @f(%d: tensor<3xi64>, %c: tensor<3xi64>) {
  %0 = spec.accept %d against %c : tensor<3xi64>, tensor<3xi64>
  return
}
// -----
func.func @f(%d: tensor<0xi64>, %c: tensor<0xi64>) {
  %0 = spec.accept %d against %c : tensor<0xi64>, tensor<0xi64>
  return
}
