// Products with weights, bias, grouped scales, a loop's slice, an accumulator in f32, a start value; and what is none.
#x = affine_map<(m, n, k) -> (m, k)>
#w = affine_map<(m, n, k) -> (n, k)>
#y = affine_map<(m, n, k) -> (m, n)>
#id = affine_map<(m, n) -> (m, n)>
#col = affine_map<(m, n) -> (n)>
#scale = affine_map<(n, g, k) -> (n, g)>
#group = affine_map<(n, g, k) -> (n, g, k)>

func.func @bias(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%2, %bias : tensor<2x4xf32>, tensor<4xf32>) outs(%0 : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  return %3 : tensor<2x4xf32>
}

func.func @start_value(%x: tensor<2x8xf32>, %w: tensor<8x4xf32>, %bias: tensor<4xf32>) -> tensor<2x4xf32> {
  %0 = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.broadcast ins(%bias : tensor<4xf32>) outs(%0 : tensor<2x4xf32>) dimensions = [0]
  %2 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x4xf32>) outs(%1 : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// 8-bit weights with a scale for each 32
func.func @groups(%x: tensor<2x64xf16>, %w: tensor<4x64xi8>, %s: tensor<4x2xf16>) -> tensor<2x4xf16> {
  %zero = arith.constant 0.0 : f32
  %g = tensor.expand_shape %w [[0], [1, 2]] output_shape [4, 2, 32] : tensor<4x64xi8> into tensor<4x2x32xi8>
  %0 = tensor.empty() : tensor<4x2x32xf16>
  %1 = linalg.generic {indexing_maps = [#group, #scale, #group], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%g, %s : tensor<4x2x32xi8>, tensor<4x2xf16>) outs(%0 : tensor<4x2x32xf16>) {
  ^bb0(%q: i8, %f: f16, %out: f16):
    %a = arith.sitofp %q : i8 to f16
    %b = arith.mulf %a, %f : f16
    linalg.yield %b : f16
  } -> tensor<4x2x32xf16>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<4x2x32xf16> into tensor<4x64xf16>
  %3 = tensor.empty() : tensor<2x4xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%3 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = linalg.generic {indexing_maps = [#x, #w, #y], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %2 : tensor<2x64xf16>, tensor<4x64xf16>) outs(%4 : tensor<2x4xf32>) {
  ^bb0(%a: f16, %b: f16, %acc: f32):
    %c = arith.extf %a : f16 to f32
    %d = arith.extf %b : f16 to f32
    %e = arith.mulf %c, %d : f32
    %f = arith.addf %acc, %e : f32
    linalg.yield %f : f32
  } -> tensor<2x4xf32>
  %6 = tensor.empty() : tensor<2x4xf16>
  %7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%5 : tensor<2x4xf32>) outs(%6 : tensor<2x4xf16>) {
  ^bb0(%a: f32, %out: f16):
    %c = arith.truncf %a : f32 to f16
    linalg.yield %c : f16
  } -> tensor<2x4xf16>
  return %7 : tensor<2x4xf16>
}

// the sum is needed unrounded too: the product is raised, the cast stays
func.func @shared(%x: tensor<2x8xf16>, %w: tensor<4x8xf16>) -> (tensor<2x4xf32>, tensor<2x4xf16>) {
  %zero = arith.constant 0.0 : f32
  %3 = tensor.empty() : tensor<2x4xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%3 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<2x8xf16>, tensor<4x8xf16>) outs(%4 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %6 = tensor.empty() : tensor<2x4xf16>
  %7 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%5 : tensor<2x4xf32>) outs(%6 : tensor<2x4xf16>) {
  ^bb0(%a: f32, %out: f16):
    %c = arith.truncf %a : f32 to f16
    linalg.yield %c : f16
  } -> tensor<2x4xf16>
  return %5, %7 : tensor<2x4xf32>, tensor<2x4xf16>
}

// no factor is a parameter
func.func @computed(%x: tensor<2x8xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  %0 = linalg.exp ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = tensor.empty() : tensor<2x2xf32>
  %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = linalg.matmul indexing_maps = [#x, #w, #y] ins(%0, %0 : tensor<2x8xf32>, tensor<2x8xf32>) outs(%2 : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}

// heads: weights [K, H, D], the result in another order
func.func @heads(%x: tensor<2x8xf32>, %w: tensor<8x2x4xf32>) -> tensor<2x2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2x2x4xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  %2 = linalg.contract indexing_maps = [affine_map<(h, m, d, k) -> (m, k)>, affine_map<(h, m, d, k) -> (k, h, d)>, affine_map<(h, m, d, k) -> (h, m, d)>]
      ins(%x, %w : tensor<2x8xf32>, tensor<8x2x4xf32>) outs(%1 : tensor<2x2x4xf32>) -> tensor<2x2x4xf32>
  return %2 : tensor<2x2x4xf32>
}

module @nested {
  func.func @inner(%x: tensor<1x8xf32>, %w: tensor<3x4x8xf32>, %layer: index) -> tensor<1x4xf32> {
    %zero = arith.constant 0.0 : f32
    %s = tensor.extract_slice %w[%layer, 0, 0] [1, 4, 8] [1, 1, 1] : tensor<3x4x8xf32> to tensor<4x8xf32>
    %0 = tensor.empty() : tensor<1x4xf32>
    %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<1x4xf32>) -> tensor<1x4xf32>
    %2 = linalg.matmul indexing_maps = [#x, #w, #y] ins(%x, %s : tensor<1x8xf32>, tensor<4x8xf32>) outs(%1 : tensor<1x4xf32>) -> tensor<1x4xf32>
    return %2 : tensor<1x4xf32>
  }
}
