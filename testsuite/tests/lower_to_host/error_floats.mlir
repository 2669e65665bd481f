// Numbers that cannot be extended to f64, at every place that holds some.
func.func @f(%last: tensor<1xi64>, %pos: index, %p: tensor<1x4xf8E5M2>, %good: tensor<1x4xf32>, %one: tensor<1xf32>, %u: tensor<1xf8E5M2>) {
  %0:2 = spec.round rejection draft_length 0 last(%last : tensor<1xi64>) position(%pos : index) random(%one : tensor<1xf32>) verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %p : tensor<1x4xf8E5M2>
  } : tensor<1xi64>
  %1:2 = spec.round rejection draft_length 0 last(%last : tensor<1xi64>) position(%pos : index) random(%u : tensor<1xf8E5M2>) verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %good : tensor<1x4xf32>
  } : tensor<1xi64>
  return
}
