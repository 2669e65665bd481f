// What the parser, and the structure that ODS checks, refuse: an operand list, a region without block, an empty block, two blocks, properties.
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round lucky draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 99999999999999999999 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last() position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last, %last : tensor<1xi64>, tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft(%c, %c : tensor<8xf32>) {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    spec.yield %t : tensor<2xi64>
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
    spec.yield %t : tensor<2xi64>
  } : index
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 0 last(%last : tensor<1xi64>) position(%p : index) verify() {
  } : tensor<1xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 0 last(%last : tensor<1xi64>) position(%p : index) verify() {
  ^bb0(%t: tensor<1xi64>, %at: index):
  } : tensor<1xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%p : index) draft() {
  ^bb0(%t: tensor<1xi64>, %at: index):
    spec.yield %t : tensor<1xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %at: index):
    cf.br ^bb1
  ^bb1:
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = "spec.round"(%last, %p) ({}, {}) : (tensor<1xi64>, index) -> (tensor<1xi64>, index)
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = "spec.round"(%last, %p) <{accept = #spec<accept greedy>, draft_length = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 7>}> ({}, {}) : (tensor<1xi64>, index) -> (tensor<1xi64>, index)
  return
}
// -----
func.func @f(%last: tensor<1xi64>, %p: index, %u: tensor<3xf32>, %c: tensor<8xf32>, %q: tensor<6xf32>, %r: tensor<2x6xf32>) {
  %0:2 = "spec.round"(%last, %p) <{accept = #spec<accept greedy>, draft_length = 0 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>}> () : (tensor<1xi64>, index) -> (tensor<1xi64>, index)
  return
}
