// Activation functions; the last one is none.
func.func @gelu(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %c = arith.constant 0.70710677 : f32
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.map ins(%x : tensor<2x4xf32>) outs(%0 : tensor<2x4xf32>) (%a: f32, %out: f32) {
    %b = arith.mulf %a, %c : f32
    %d = math.erf %b : f32
    %e = arith.addf %d, %one : f32
    %f = arith.mulf %a, %half : f32
    %g = arith.mulf %f, %e : f32
    linalg.yield %g : f32
  }
  return %1 : tensor<2x4xf32>
}

func.func @relu2(%x: tensor<2x4xf16>, %up: tensor<2x4xf16>) -> tensor<2x4xf16> {
  %zero = arith.constant 0.0 : f16
  %0 = tensor.empty() : tensor<2x4xf16>
  %1 = linalg.map ins(%x, %up : tensor<2x4xf16>, tensor<2x4xf16>) outs(%0 : tensor<2x4xf16>) (%a: f16, %u: f16, %out: f16) {
    %b = arith.maximumf %a, %zero : f16
    %c = arith.mulf %b, %b : f16
    %d = arith.mulf %u, %c : f16
    linalg.yield %d : f16
  }
  return %1 : tensor<2x4xf16>
}

func.func @silu_by_division(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %one = arith.constant 1.0 : f32
  %0 = tensor.empty() : tensor<1x2x4xf32>
  %1 = linalg.map ins(%x : tensor<1x2x4xf32>) outs(%0 : tensor<1x2x4xf32>) (%a: f32, %out: f32) {
    %b = arith.negf %a : f32
    %c = math.exp %b : f32
    %d = arith.addf %one, %c : f32
    %e = arith.divf %a, %d : f32
    linalg.yield %e : f32
  }
  return %1 : tensor<1x2x4xf32>
}

func.func @swish_of_another_slope(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = arith.constant 1.0 : f32
  %slope = arith.constant -1.1 : f32
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.map ins(%x : tensor<2x4xf32>) outs(%0 : tensor<2x4xf32>) (%a: f32, %out: f32) {
    %b = arith.mulf %a, %slope : f32
    %c = math.exp %b : f32
    %d = arith.addf %one, %c : f32
    %e = arith.divf %a, %d : f32
    linalg.yield %e : f32
  }
  return %1 : tensor<2x4xf32>
}
