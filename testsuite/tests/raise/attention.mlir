// Attention with masks that are causal, that are not, and that are one step off; scores that are capped.
#id = affine_map<(h, m, t) -> (h, m, t)>

// keys repeated for two heads each, softcap, causal by select
func.func @causal(%q: tensor<4x2x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %p: index) -> tensor<4x2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.05 : f32
  %cap = arith.constant 10.0 : f32
  %hidden = arith.constant -1.0e9 : f32
  %e = tensor.empty() : tensor<2x2x8x4xf32>
  %kb = linalg.broadcast ins(%k : tensor<2x8x4xf32>) outs(%e : tensor<2x2x8x4xf32>) dimensions = [1]
  %vb = linalg.broadcast ins(%v : tensor<2x8x4xf32>) outs(%e : tensor<2x2x8x4xf32>) dimensions = [1]
  %kr = tensor.collapse_shape %kb [[0, 1], [2], [3]] : tensor<2x2x8x4xf32> into tensor<4x8x4xf32>
  %vr = tensor.collapse_shape %vb [[0, 1], [2], [3]] : tensor<2x2x8x4xf32> into tensor<4x8x4xf32>
  %0 = tensor.empty() : tensor<4x2x8xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  %2 = linalg.batch_matmul indexing_maps = [affine_map<(h, m, t, d) -> (h, m, d)>, affine_map<(h, m, t, d) -> (h, t, d)>, affine_map<(h, m, t, d) -> (h, m, t)>]
      ins(%q, %kr : tensor<4x2x4xf32>, tensor<4x8x4xf32>) outs(%1 : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%2 : tensor<4x2x8xf32>) outs(%0 : tensor<4x2x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %b = arith.mulf %a, %scale : f32
    %c = math.tanh %b : f32
    %d = arith.mulf %c, %cap : f32
    %m = linalg.index 1 : index
    %t = linalg.index 2 : index
    %f = arith.subi %t, %m : index
    %g = arith.cmpi sgt, %f, %p : index
    %s = arith.select %g, %hidden, %d : f32
    linalg.yield %s : f32
  } -> tensor<4x2x8xf32>
  %4 = linalg.softmax dimension(2) ins(%3 : tensor<4x2x8xf32>) outs(%0 : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  %5 = tensor.empty() : tensor<4x2x4xf32>
  %6 = linalg.fill ins(%zero : f32) outs(%5 : tensor<4x2x4xf32>) -> tensor<4x2x4xf32>
  %7 = linalg.batch_matmul ins(%4, %vr : tensor<4x2x8xf32>, tensor<4x8x4xf32>) outs(%6 : tensor<4x2x4xf32>) -> tensor<4x2x4xf32>
  return %7 : tensor<4x2x4xf32>
}

// a window of four: the mask is computed, and passed
func.func @window(%q: tensor<2x1x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %p: index) -> tensor<2x1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4 : index
  %hidden = arith.constant 0xFF800000 : f32
  %0 = tensor.empty() : tensor<2x1x8xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %2 = linalg.batch_matmul indexing_maps = [affine_map<(h, m, t, d) -> (h, m, d)>, affine_map<(h, m, t, d) -> (h, t, d)>, affine_map<(h, m, t, d) -> (h, m, t)>]
      ins(%q, %k : tensor<2x1x4xf32>, tensor<2x8x4xf32>) outs(%1 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%2 : tensor<2x1x8xf32>) outs(%0 : tensor<2x1x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %t = linalg.index 2 : index
    %f = arith.cmpi sle, %t, %p : index
    %u = arith.addi %t, %four : index
    %g = arith.cmpi sgt, %u, %p : index
    %b = arith.andi %f, %g : i1
    %s = arith.select %b, %a, %hidden : f32
    linalg.yield %s : f32
  } -> tensor<2x1x8xf32>
  %4 = linalg.softmax dimension(2) ins(%3 : tensor<2x1x8xf32>) outs(%0 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %5 = tensor.empty() : tensor<2x1x4xf32>
  %6 = linalg.fill ins(%zero : f32) outs(%5 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %7 = linalg.batch_matmul ins(%4, %v : tensor<2x1x8xf32>, tensor<2x8x4xf32>) outs(%6 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  return %7 : tensor<2x1x4xf32>
}

// the length is the argument: the position is one less
func.func @length(%q: tensor<2x1x4xf32>, %k: tensor<8x2x4xf32>, %v: tensor<8x2x4xf32>, %length: tensor<i32>) -> tensor<2x1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %hidden = arith.constant 0xFF800000 : f32
  %0 = tensor.empty() : tensor<2x1x8xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %2 = linalg.contract indexing_maps = [affine_map<(h, m, t, d) -> (h, m, d)>, affine_map<(h, m, t, d) -> (t, h, d)>, affine_map<(h, m, t, d) -> (h, m, t)>]
      ins(%q, %k : tensor<2x1x4xf32>, tensor<8x2x4xf32>) outs(%1 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, affine_map<(h, m, t) -> ()>, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2, %length : tensor<2x1x8xf32>, tensor<i32>) outs(%0 : tensor<2x1x8xf32>) {
  ^bb0(%a: f32, %n: i32, %out: f32):
    %t = linalg.index 2 : index
    %i = arith.index_cast %t : index to i32
    %f = arith.cmpi slt, %i, %n : i32
    %m = arith.select %f, %zero, %hidden : f32
    %s = arith.addf %a, %m : f32
    linalg.yield %s : f32
  } -> tensor<2x1x8xf32>
  %4 = linalg.softmax dimension(2) ins(%3 : tensor<2x1x8xf32>) outs(%0 : tensor<2x1x8xf32>) -> tensor<2x1x8xf32>
  %5 = tensor.empty() : tensor<2x1x4xf32>
  %6 = linalg.fill ins(%zero : f32) outs(%5 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  %7 = linalg.contract indexing_maps = [affine_map<(h, m, d, t) -> (h, m, t)>, affine_map<(h, m, d, t) -> (t, h, d)>, affine_map<(h, m, d, t) -> (h, m, d)>]
      ins(%4, %v : tensor<2x1x8xf32>, tensor<8x2x4xf32>) outs(%6 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
  return %7 : tensor<2x1x4xf32>
}
