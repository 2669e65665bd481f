// Rows of another type than a float of 16 or 32 bits.
func.func @f(%i: tensor<5xi64>, %t: tensor<512x64xf32>, %o: tensor<5x64xf64>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x64xf32>) outs(%o : tensor<5x64xf64>) -> tensor<5x64xf64>
  return
}
