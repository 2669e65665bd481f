// Outside of a round.
func.func @f(%x: i64) {
  spec.yield
  return
}
// -----
func.func @f(%a: index) {
  scf.for %i = %a to %a step %a {
    spec.yield
  }
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    scf.execute_region {
      spec.yield
    }
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
