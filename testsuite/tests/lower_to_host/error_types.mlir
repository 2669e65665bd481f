// All that the verifiers leave open is reported at once, at its place.
func.func @f(%last: tensor<1xi64>, %pos: index, %u: tensor<3xf32>, %q: tensor<5xf32>, %p: tensor<2x6xf32>, %wide: tensor<2xi32>, %r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %bad: tensor<2xi64>, %e: tensor<1x4xf8E5M2>, %o: tensor<1xf32>) {
  %0 = spec.commit %r into %c at %bad : tensor<2xi64> dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %1:2 = spec.round rejection draft_length 1 last(%last : tensor<1xi64>) position(%pos : index) random(%u : tensor<3xf32>) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %q : tensor<5xf32>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %p : tensor<2x6xf32>
  } : tensor<2xi64>
  %2:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%pos : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %wide : tensor<2xi32>
  } : tensor<2xi64>
  %3:2 = spec.round rejection draft_length 0 last(%last : tensor<1xi64>) position(%pos : index) random(%o : tensor<1xf32>) verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %e : tensor<1x4xf8E5M2>
  } : tensor<1xi64>
  return
}
