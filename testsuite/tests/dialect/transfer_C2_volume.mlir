func.func @f(%v: tensor<?xi64>) {
  %0 = spec.transfer %v from "gpu" to "cpu" : tensor<?xi64>
  return
}
// -----
func.func @f(%v: tensor<*xf32>) {
  %0 = spec.transfer %v from "gpu" to "cpu" : tensor<*xf32>
  return
}
// -----
func.func @f(%v: memref<2xf32>) {
  %0 = spec.transfer %v from "gpu" to "cpu" : memref<2xf32>
  return
}
// -----
func.func @f(%v: complex<f32>) {
  %0 = spec.transfer %v from "gpu" to "cpu" : complex<f32>
  return
}
