// Nothing to multiply 8-bit activations with.
func.func @f(%x: tensor<5x64xf32>, %w: tensor<32x64xf32>, %o: tensor<5x32xf32>) {
  %0 = spec.linear out_in dense activations int8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  return
}
