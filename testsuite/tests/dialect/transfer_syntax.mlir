func.func @f(%v: i64) {
  %0 = spec.transfer %v to "cpu" : i64
  return
}
// -----
func.func @f(%v: i64) {
  %0 = spec.transfer %v from gpu to cpu : i64
  return
}
// -----
func.func @f(%v: i64) {
  %0 = "spec.transfer"(%v) {source = "a", target = "b"} : (i64) -> i32
  return
}
