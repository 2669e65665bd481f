// arg: --spec-quantize=all=i4g32
// The header's example.
func.func @decode(%x: tensor<1x64xf32>, %w: tensor<32x64xf16>) -> tensor<1x32xf32> {
  %0 = tensor.empty() : tensor<1x32xf32>
  %1 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<32x64xf16>) outs(%0 : tensor<1x32xf32>) -> tensor<1x32xf32>
  return %1 : tensor<1x32xf32>
}
