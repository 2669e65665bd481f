// arg: --spec-quantize=all=i8 min-elements=0
// A caller would pass what the function does not take any more; so would a dispatch.
module {
  func.func @layer(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>) -> tensor<1x64xf32> {
    %0 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
    return %0 : tensor<1x64xf32>
  }
  func.func @main(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>) -> tensor<1x64xf32> {
    %0 = call @layer(%x, %w) : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
    %1 = spec.dispatch @npu::@run(%0, %w) : (tensor<1x64xf32>, tensor<64x64xf32>) -> tensor<1x64xf32>
    return %1 : tensor<1x64xf32>
  }
  module @npu attributes {spec.placement = #spec.placement<role = target, device = "npu", units = 1, dtype = f32>} {
    func.func @run(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>) -> tensor<1x64xf32> {
      %0 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
      return %0 : tensor<1x64xf32>
    }
    func.func @layer(%x: tensor<1x64xf32>, %w: tensor<64x64xf32>) -> tensor<1x64xf32> {
      %0 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<64x64xf32>) outs(%x : tensor<1x64xf32>) -> tensor<1x64xf32>
      return %0 : tensor<1x64xf32>
    }
  }
}
