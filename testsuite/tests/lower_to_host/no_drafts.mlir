// Draft length 0: greedy needs no helper, rejection samples the target's only row.
func.func @greedy(%last: tensor<1x1xi64>, %pos: index, %k: tensor<8x2xf32>) -> (tensor<1xi64>, index, tensor<8x2xf32>) {
  %tok, %n, %s = spec.round greedy draft_length 0 last(%last : tensor<1x1xi64>) position(%pos : index) verify(%k : tensor<8x2xf32>) {
  ^bb0(%t: tensor<1xi64>, %at: index, %c: tensor<8x2xf32>):
    spec.yield %t, %c : tensor<1xi64>, tensor<8x2xf32>
  } : tensor<1xi64>
  return %tok, %n, %s : tensor<1xi64>, index, tensor<8x2xf32>
}
func.func @rejection(%last: tensor<1xi64>, %pos: index, %u: tensor<1xf32>, %p: tensor<1x4xf64>) -> (tensor<1xi64>, index) {
  %tok, %n = spec.round rejection draft_length 0 last(%last : tensor<1xi64>) position(%pos : index) random(%u : tensor<1xf32>) verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %p : tensor<1x4xf64>
  } : tensor<1xi64>
  return %tok, %n : tensor<1xi64>, index
}
