// arg: --spec-quantize=all=i4g32 embedding=i8 head=none min-elements=0
// Table and head have formats of their own.
func.func @main(%ids: tensor<2xi32>, %table: tensor<16x64xf16>, %w: tensor<64x64xf16>, %head: tensor<16x64xf16>) -> tensor<2x16xf32> {
  %0 = tensor.empty() : tensor<2x64xf32>
  %1 = spec.embedding dense ins(%ids, %table : tensor<2xi32>, tensor<16x64xf16>) outs(%0 : tensor<2x64xf32>) -> tensor<2x64xf32>
  %2 = spec.linear out_in dense ins(%1, %w : tensor<2x64xf32>, tensor<64x64xf16>) outs(%0 : tensor<2x64xf32>) -> tensor<2x64xf32>
  %3 = tensor.empty() : tensor<2x16xf32>
  %4 = spec.linear out_in dense ins(%2, %head : tensor<2x64xf32>, tensor<16x64xf16>) outs(%3 : tensor<2x16xf32>) -> tensor<2x16xf32>
  return %4 : tensor<2x16xf32>
}
