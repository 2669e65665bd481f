// arg: --spec-quantize=all=i4g32 embedding=none head=i8 min-elements=0
// The format of the head decides for the table that is tied to it.
func.func @main(%ids: tensor<2xi64>, %table: tensor<16x64xf16>, %w: tensor<64x64xf16>) -> tensor<2x16xf32> {
  %0 = tensor.empty() : tensor<2x64xf32>
  %1 = spec.embedding dense ins(%ids, %table : tensor<2xi64>, tensor<16x64xf16>) outs(%0 : tensor<2x64xf32>) -> tensor<2x64xf32>
  %2 = spec.linear out_in dense ins(%1, %w : tensor<2x64xf32>, tensor<64x64xf16>) outs(%0 : tensor<2x64xf32>) -> tensor<2x64xf32>
  %3 = tensor.empty() : tensor<2x16xf32>
  %4 = spec.linear out_in dense ins(%2, %table : tensor<2x64xf32>, tensor<16x64xf16>) outs(%3 : tensor<2x16xf32>) -> tensor<2x16xf32>
  return %4 : tensor<2x16xf32>
}
