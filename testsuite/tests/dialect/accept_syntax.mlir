func.func @f(%d: tensor<1xi64>) {
  %0 = spec.accept %d, %d : tensor<1xi64>, tensor<1xi64>
  return
}
