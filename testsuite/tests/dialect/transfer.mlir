// Tensors and scalars.
func.func @f(%t: tensor<5xi64>, %s: tensor<f32>, %p: index, %i: i64, %f: bf16) {
  %0 = spec.transfer %t from "gpu" to "cpu" : tensor<5xi64>
  %1 = spec.transfer %0 from "cpu" to "gpu" {note = "back"} : tensor<5xi64>
  %2 = spec.transfer %s from "a" to "b" : tensor<f32>
  %3 = spec.transfer %p from "a" to "b" : index
  %4 = spec.transfer %i from "a" to "b" : i64
  %5 = spec.transfer %f from "a" to "b" : bf16
  return
}
