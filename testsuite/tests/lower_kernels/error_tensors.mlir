func.func @f(%x: tensor<1x64xf32>, %w: tensor<64xf32>) -> tensor<1x64xf32> {
  %0 = spec.norm rms eps 1.0e-5 ins(%x, %w : tensor<1x64xf32>, tensor<64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}
