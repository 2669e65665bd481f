// Four drafts; none.
func.func @f(%d: tensor<4xi64>, %c: tensor<5xi64>, %e: tensor<0xi32>, %one: tensor<1xi32>) -> (index, index) {
  %0 = spec.accept %d against %c : tensor<4xi64>, tensor<5xi64>
  %1 = spec.accept %e against %one {note = "none"} : tensor<0xi32>, tensor<1xi32>
  return %0, %1 : index, index
}
