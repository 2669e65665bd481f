// arg: --spec-quantize=drafter=i8
// No function has the role: a warning.
func.func @main(%x: tensor<1x64xf32>) -> tensor<1x64xf32> {
  return %x : tensor<1x64xf32>
}
