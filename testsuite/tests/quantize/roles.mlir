// arg: --spec-quantize=drafter=i4g32 target=i8 all=f16 min-elements=0
// Each role has its format; a function without one takes that of all.
module {
  func.func @draft(%x: tensor<1x64xf32>, %w: tensor<8x64xf32>) -> tensor<1x8xf32> attributes {spec.role = "drafter"} {
    %0 = tensor.empty() : tensor<1x8xf32>
    %1 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<8x64xf32>) outs(%0 : tensor<1x8xf32>) -> tensor<1x8xf32>
    return %1 : tensor<1x8xf32>
  }
  func.func @helper(%x: tensor<1x64xf32>, %w: tensor<8x64xf32>) -> tensor<1x8xf32> {
    %0 = tensor.empty() : tensor<1x8xf32>
    %1 = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<8x64xf32>) outs(%0 : tensor<1x8xf32>) -> tensor<1x8xf32>
    return %1 : tensor<1x8xf32>
  }
  func.func private @declared(tensor<8x64xf32>)
  module @big attributes {spec.placement = #spec.placement<role = target, device = "big", units = 4, dtype = i8>} {
    func.func @verify(%x: tensor<3x64xf32>, %w: tensor<8x64xf32>, %b: tensor<8xf32>) -> tensor<3x8xf32> {
      %0 = tensor.empty() : tensor<3x8xf32>
      %1 = spec.linear out_in dense ins(%x, %w : tensor<3x64xf32>, tensor<8x64xf32>) bias(%b : tensor<8xf32>) outs(%0 : tensor<3x8xf32>) {note = "kept"} -> tensor<3x8xf32>
      return %1 : tensor<3x8xf32>
    }
  }
}
