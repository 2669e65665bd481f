func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = "spec.round"(%last, %p, %c) <{accept = #spec<accept greedy>, draft_length = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 1>}> ({
  }, {
  ^bb0(%t: tensor<1xi64>, %at: index, %s: tensor<8xf32>):
    spec.yield %t, %s : tensor<1xi64>, tensor<8xf32>
  }) : (tensor<1xi64>, index, tensor<8xf32>) -> (tensor<1xi64>, index)
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:3 = "spec.round"(%last, %p, %c) <{accept = #spec<accept greedy>, draft_length = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 1>}> ({
  }, {
  ^bb0(%t: tensor<1xi64>, %at: index, %s: tensor<8xf32>):
    spec.yield %t, %s : tensor<1xi64>, tensor<8xf32>
  }) : (tensor<1xi64>, index, tensor<8xf32>) -> (tensor<1xi64>, index, tensor<9xf32>)
  return
}
