// Greedy with states of both sides; without states; without drafts; rejection sampling.
func.func @greedy(%last: tensor<1xi64>, %p: tensor<i64>, %d: tensor<8x4xf32>, %k: tensor<9x4xf16>, %v: tensor<9x4xf16>) -> (tensor<3xi64>, index, tensor<8x4xf32>, tensor<9x4xf16>, tensor<9x4xf16>) {
  %tokens, %count, %states:3 = spec.round greedy draft_length 2 last(%last : tensor<1xi64>) position(%p : tensor<i64>) draft(%d : tensor<8x4xf32>) {
  ^bb0(%t: tensor<1xi64>, %at: tensor<i64>, %s: tensor<8x4xf32>):
    spec.yield %t, %s : tensor<1xi64>, tensor<8x4xf32>
  } verify(%k, %v : tensor<9x4xf16>, tensor<9x4xf16>) {
  ^bb0(%t: tensor<3xi64>, %at: tensor<i64>, %s0: tensor<9x4xf16>, %s1: tensor<9x4xf16>):
    spec.yield %t, %s1, %s0 : tensor<3xi64>, tensor<9x4xf16>, tensor<9x4xf16>
  } attributes {note = "states"} : tensor<3xi64>
  return %tokens, %count, %states#0, %states#1, %states#2 : tensor<3xi64>, index, tensor<8x4xf32>, tensor<9x4xf16>, tensor<9x4xf16>
}
func.func @stateless(%last: tensor<1x1xi32>, %p: index) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1x1xi32>) position(%p : index) draft() {
  ^bb0(%t: tensor<1x1xi32>, %at: index):
    spec.yield %t : tensor<1x1xi32>
  } verify() {
  ^bb0(%t: tensor<2xi32>, %at: index):
    spec.yield %t : tensor<2xi32>
  } : tensor<2xi32>
  return
}
func.func @no_drafts(%last: tensor<1xi64>, %p: i32, %k: tensor<9x4xf16>) -> tensor<9x4xf16> {
  %0:3 = spec.round greedy draft_length 0 last(%last : tensor<1xi64>) position(%p : i32) verify(%k : tensor<9x4xf16>) {
  ^bb0(%t: tensor<1xi64>, %at: i32, %s: tensor<9x4xf16>):
    spec.yield %t, %s : tensor<1xi64>, tensor<9x4xf16>
  } : tensor<1xi64>
  return %0#2 : tensor<9x4xf16>
}
func.func @rejection(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round rejection draft_length 1 last(%last : tensor<1xi64>) position(%p : index) random(%u : tensor<3xf32>) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %q : tensor<6xf32>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %r : tensor<2x6xf32>
  } : tensor<2xi64>
  return
}
