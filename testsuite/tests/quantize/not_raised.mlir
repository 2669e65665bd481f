// arg: --spec-quantize=all=i8
// No op is a product of the spec dialect: a warning.
func.func @main(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>, %y: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%y : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}
