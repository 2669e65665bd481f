func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %x: tensor<2xi64>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %x : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: i64):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:3 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify(%c : tensor<8xf32>) {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %x: tensor<3xi64>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %x : tensor<3xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %x: tensor<2xi32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %x : tensor<2xi32>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %r : tensor<2x6xf32>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t, %c : tensor<2xi64>, tensor<8xf32>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round rejection draft_length 1 last(%last : tensor<1xi64>) position(%p : index) random(%u : tensor<3xf32>) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %q : tensor<6xf32>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>, %x: tensor<3x6xf32>) {
  %0:2 = spec.round rejection draft_length 1 last(%last : tensor<1xi64>) position(%p : index) random(%u : tensor<3xf32>) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %q : tensor<6xf32>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %x : tensor<3x6xf32>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    llvm.unreachable
  } : tensor<2xi64>
  return
}
