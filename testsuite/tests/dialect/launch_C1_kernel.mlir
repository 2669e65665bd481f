// Not nested, nested too deep.
func.func @f() {
  spec.launch @double groups [1, 1, 1] of [64, 1, 1] () offsets [] lengths [] access []
  return
}
// -----
func.func @f() {
  spec.launch @a::@b::@c groups [1, 1, 1] of [64, 1, 1] () offsets [] lengths [] access []
  return
}
