// Normalisations of other kinds than RMS with a weight; the last one is of another dimension, and stays.
#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
#col = affine_map<(m, n) -> (n)>

// 1 / sqrt, a weight that is stored as w - 1, roundings to f16 in between
func.func @offset(%x: tensor<3x8xf16>, %w: tensor<8xf16>) -> tensor<3x8xf16> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = arith.constant 0.125 : f32
  %eps = arith.constant 1.0e-6 : f32
  %0 = tensor.empty() : tensor<3xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<3xf32>) -> tensor<3xf32>
  %2 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<3x8xf16>) outs(%1 : tensor<3xf32>) {
  ^bb0(%a: f16, %acc: f32):
    %b = arith.extf %a : f16 to f32
    %c = arith.mulf %b, %b : f32
    %d = arith.addf %acc, %c : f32
    linalg.yield %d : f32
  } -> tensor<3xf32>
  %3 = tensor.empty() : tensor<3x8xf16>
  %4 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %2 : tensor<3x8xf16>, tensor<3xf32>) outs(%3 : tensor<3x8xf16>) {
  ^bb0(%a: f16, %s: f32, %out: f16):
    %b = arith.extf %a : f16 to f32
    %c = arith.mulf %s, %n : f32
    %d = arith.addf %c, %eps : f32
    %e = math.sqrt %d : f32
    %f = arith.divf %b, %e : f32
    %g = arith.truncf %f : f32 to f16
    linalg.yield %g : f16
  } -> tensor<3x8xf16>
  %5 = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]} ins(%4, %w : tensor<3x8xf16>, tensor<8xf16>) outs(%3 : tensor<3x8xf16>) {
  ^bb0(%a: f16, %b: f16, %out: f16):
    %c = arith.extf %b : f16 to f32
    %d = arith.addf %c, %one : f32
    %e = arith.truncf %d : f32 to f16
    %f = arith.mulf %a, %e : f16
    linalg.yield %f : f16
  } -> tensor<3x8xf16>
  return %5 : tensor<3x8xf16>
}

// mean and variance, no weight
func.func @layer(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 8.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %0 = tensor.empty() : tensor<3xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<3xf32>) -> tensor<3xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<3x8xf32>) outs(%1 : tensor<3xf32>) dimensions = [1]
  %2 = tensor.empty() : tensor<3x8xf32>
  %c = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<3x8xf32>, tensor<3xf32>) outs(%2 : tensor<3x8xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %b = arith.divf %s, %n : f32
    %d = arith.subf %a, %b : f32
    linalg.yield %d : f32
  } -> tensor<3x8xf32>
  %sq = linalg.mul ins(%c, %c : tensor<3x8xf32>, tensor<3x8xf32>) outs(%2 : tensor<3x8xf32>) -> tensor<3x8xf32>
  %var = linalg.reduce { arith.addf } ins(%sq : tensor<3x8xf32>) outs(%1 : tensor<3xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%c, %var : tensor<3x8xf32>, tensor<3xf32>) outs(%2 : tensor<3x8xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %b = arith.divf %s, %n : f32
    %d = arith.addf %b, %eps : f32
    %e = math.rsqrt %d : f32
    %f = arith.mulf %a, %e : f32
    linalg.yield %f : f32
  } -> tensor<3x8xf32>
  return %y : tensor<3x8xf32>
}

func.func @columns(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 4.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %0 = tensor.empty() : tensor<8xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<8xf32>) -> tensor<8xf32>
  %2 = tensor.empty() : tensor<4x8xf32>
  %sq = linalg.mul ins(%x, %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%2 : tensor<4x8xf32>) -> tensor<4x8xf32>
  %sum = linalg.reduce { arith.addf } ins(%sq : tensor<4x8xf32>) outs(%1 : tensor<8xf32>) dimensions = [0]
  %y = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<4x8xf32>, tensor<8xf32>) outs(%2 : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %b = arith.divf %s, %n : f32
    %d = arith.addf %b, %eps : f32
    %e = math.rsqrt %d : f32
    %f = arith.mulf %a, %e : f32
    linalg.yield %f : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
