// arg: --pass-pipeline=builtin.module(spec-quantize{all=i4g32 min-elements=0},spec-quantize{all=i8 min-elements=0})
// The second run would quantise what is quantised.
func.func @main(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>) -> tensor<1x64xf32> {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}
