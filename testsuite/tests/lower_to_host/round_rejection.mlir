// One draft by rejection sampling: one helper to sample, one to accept, in f64 from f16 and f32 rows.
func.func @round(%last: tensor<1xi32>, %pos: i32, %u: tensor<3xf32>, %q: tensor<5xf16>, %p: tensor<2x5xf32>) -> (tensor<2xi32>, index) {
  %tok, %n = spec.round rejection draft_length 1 last(%last : tensor<1xi32>) position(%pos : i32) random(%u : tensor<3xf32>) draft() {
  ^bb0(%t: tensor<1xi32>, %at: i32):
    spec.yield %q : tensor<5xf16>
  } verify() {
  ^bb0(%t: tensor<2xi32>, %at: i32):
    spec.yield %p : tensor<2x5xf32>
  } : tensor<2xi32>
  return %tok, %n : tensor<2xi32>, index
}
