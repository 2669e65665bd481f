// The example of the pass's header.
func.func @product(%x: tensor<3x32xf32>, %w: tensor<64x32xf32>) -> tensor<3x64xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<32x64xf32>
  %t = linalg.transpose ins(%w : tensor<64x32xf32>) outs(%0 : tensor<32x64xf32>) permutation = [1, 0]
  %1 = tensor.empty() : tensor<3x64xf32>
  %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<3x64xf32>) -> tensor<3x64xf32>
  %y = linalg.matmul ins(%x, %t : tensor<3x32xf32>, tensor<32x64xf32>) outs(%2 : tensor<3x64xf32>) -> tensor<3x64xf32>
  return %y : tensor<3x64xf32>
}
