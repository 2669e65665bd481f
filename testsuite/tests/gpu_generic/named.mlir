#id = affine_map<(d0, d1) -> (d0, d1)>

// Ops with names, one after the other.
func.func @named(%a: memref<4x8xf32>, %b: memref<8x4xf32>, %c: memref<4x4xf32>, %r: memref<4xf32>, %i: memref<4xi64>, %h: memref<4x8xbf16>) -> (memref<4x8xf32>, memref<8x4xf32>, memref<4x4xf32>, memref<4xf32>, memref<4xi64>, memref<4x8xbf16>) {
  %s = arith.constant 1.5 : f32
  %n = arith.constant -7 : i64
  linalg.matmul ins(%a, %b: memref<4x8xf32>, memref<8x4xf32>) outs(%c : memref<4x4xf32>)
  linalg.fill ins(%s : f32) outs(%r : memref<4xf32>)
  linalg.fill ins(%n : i64) outs(%i : memref<4xi64>)
  linalg.transpose ins(%a : memref<4x8xf32>) outs(%b : memref<8x4xf32>) permutation = [1, 0]
  linalg.broadcast ins(%r : memref<4xf32>) outs(%c : memref<4x4xf32>) dimensions = [1]
  linalg.map { arith.addf } ins(%a, %a : memref<4x8xf32>, memref<4x8xf32>) outs(%a : memref<4x8xf32>)
  linalg.reduce { arith.addf } ins(%a : memref<4x8xf32>) outs(%r : memref<4xf32>) dimensions = [1]
  linalg.elementwise kind=#linalg.elementwise_kind<exp> ins(%a : memref<4x8xf32>) outs(%a : memref<4x8xf32>)
  linalg.copy ins(%a : memref<4x8xf32>) outs(%a : memref<4x8xf32>)
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%h : memref<4x8xbf16>) outs(%h : memref<4x8xbf16>) {
  ^bb0(%x: bf16, %out: bf16):
    %5 = arith.extf %x : bf16 to f32
    %6 = math.erf %5 : f32
    %t = arith.truncf %6 : f32 to bf16
    %u = arith.mulf %t, %x : bf16
    %v = math.exp2 %u : bf16
    %w = math.tanh %v : bf16
    linalg.yield %w : bf16
  }
  return %a, %b, %c, %r, %i, %h : memref<4x8xf32>, memref<8x4xf32>, memref<4x4xf32>, memref<4xf32>, memref<4xi64>, memref<4x8xbf16>
}

// Products.
func.func @batch(%a: memref<2x3x4xf32>, %b: memref<2x4x5xf32>, %c: memref<2x3x5xf32>, %v: memref<4xf32>, %w: memref<3x4xf32>, %x: memref<3xf32>) -> (memref<2x3x5xf32>, memref<4xf32>, memref<3xf32>) {
  linalg.batch_matmul ins(%a, %b : memref<2x3x4xf32>, memref<2x4x5xf32>) outs(%c : memref<2x3x5xf32>)
  linalg.matvec ins(%w, %v : memref<3x4xf32>, memref<4xf32>) outs(%x : memref<3xf32>)
  linalg.exp ins(%v : memref<4xf32>) outs(%v : memref<4xf32>)
  linalg.add ins(%v, %v : memref<4xf32>, memref<4xf32>) outs(%v : memref<4xf32>)
  return %c, %v, %x : memref<2x3x5xf32>, memref<4xf32>, memref<3xf32>
}
