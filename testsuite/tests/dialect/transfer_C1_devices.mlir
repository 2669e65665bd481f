func.func @f(%v: index) {
  %0 = spec.transfer %v from "" to "" : index
  return
}
// -----
func.func @f(%v: index) {
  %0 = spec.transfer %v from "" to "cpu" : index
  return
}
// -----
func.func @f(%v: index) {
  %0 = spec.transfer %v from "gpu" to "" : index
  return
}
// -----
func.func @f(%v: index) {
  %0 = spec.transfer %v from "gpu" to "gpu" : index
  return
}
