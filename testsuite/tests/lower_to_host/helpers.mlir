// One helper a signature and module; a symbol that is taken is not touched.
func.func @spec_accept_1xi64() {
  return
}
func.func @three(%d: tensor<1xi64>, %c: tensor<2xi64>, %e: tensor<0xi32>, %f: tensor<1xi32>) -> (index, index, index) {
  %0 = spec.accept %d against %c : tensor<1xi64>, tensor<2xi64>
  %1 = spec.accept %d against %c : tensor<1xi64>, tensor<2xi64>
  %2 = spec.accept %e against %f : tensor<0xi32>, tensor<1xi32>
  return %0, %1, %2 : index, index, index
}
module @inner {
  func.func @one(%d: tensor<1xi64>, %c: tensor<2xi64>) -> index {
    %0 = spec.accept %d against %c : tensor<1xi64>, tensor<2xi64>
    return %0 : index
  }
}
