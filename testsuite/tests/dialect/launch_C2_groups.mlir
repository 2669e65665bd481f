// Two numbers, zero, a negative one, four.
func.func @f() {
  spec.launch @kernels::@k groups [1, 1] of [64, 1, 1] () offsets [] lengths [] access []
  return
}
// -----
func.func @f() {
  spec.launch @kernels::@k groups [1, 0, 1] of [64, 1, 1] () offsets [] lengths [] access []
  return
}
// -----
func.func @f() {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, -1, 1] () offsets [] lengths [] access []
  return
}
// -----
func.func @f() {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1, 1] () offsets [] lengths [] access []
  return
}
