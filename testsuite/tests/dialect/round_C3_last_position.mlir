func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %l: tensor<2xi64>) {
  %0:2 = spec.round greedy draft_length 1 last(%l : tensor<2xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %l: tensor<1xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%l : tensor<1xf32>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %l: f32) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%l : f32) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %l: tensor<2xi64>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%l : tensor<2xi64>) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
