// Ops of two forward calls that are inlined in one function.
func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = math.exp %x {spec.call = #spec.call<model = "drafter", role = drafter, index = 0>} : tensor<4xf32>
  %1 = math.exp %0 {spec.call = #spec.call<model = "a b", role = target, index = 12>} : tensor<4xf32>
  return %1 : tensor<4xf32>
}
