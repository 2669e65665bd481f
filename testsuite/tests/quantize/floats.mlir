// arg: --spec-quantize=all=bf16 min-elements=0 report=true
// Weights of f32 become bf16 where they lie; those of f16 stay, and so do norms.
func.func @main(%ids: tensor<1xi64>, %table: tensor<16x64xf32>, %norm: tensor<64xf32>, %s: tensor<2x64x8x8xf32>, %h: tensor<8x64xf16>,
                %layer: index) -> tensor<1x8xf32> {
  %0 = tensor.empty() : tensor<1x64xf32>
  %1 = spec.embedding dense ins(%ids, %table : tensor<1xi64>, tensor<16x64xf32>) outs(%0 : tensor<1x64xf32>) -> tensor<1x64xf32>
  %2 = spec.norm rms eps 1.0e-5 ins(%1, %norm : tensor<1x64xf32>, tensor<64xf32>) outs(%0 : tensor<1x64xf32>) -> tensor<1x64xf32>
  %3 = tensor.extract_slice %s[%layer, 0, 0, 0] [1, 64, 8, 8] [1, 1, 1, 1] : tensor<2x64x8x8xf32> to tensor<64x8x8xf32>
  %4 = tensor.collapse_shape %3 [[0], [1, 2]] : tensor<64x8x8xf32> into tensor<64x64xf32>
  %5 = spec.linear in_out dense ins(%2, %4 : tensor<1x64xf32>, tensor<64x64xf32>) outs(%0 : tensor<1x64xf32>) -> tensor<1x64xf32>
  %e = tensor.empty() : tensor<1x8xf32>
  %6 = spec.linear out_in dense ins(%5, %h : tensor<1x64xf32>, tensor<8x64xf16>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %6 : tensor<1x8xf32>
}
