// Elements of 16 bits.
func.func @half(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = tensor.empty() : tensor<4xf16>
  %1 = linalg.add ins(%x, %x : tensor<4xf16>, tensor<4xf16>) outs(%0 : tensor<4xf16>) -> tensor<4xf16>
  return %1 : tensor<4xf16>
}
