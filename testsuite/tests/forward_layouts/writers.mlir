// What attention gives is one row for each token: it writes there.
func.func @rows(%q: memref<4x3x8xf32>, %k: memref<2x16x8xf32>, %v: memref<2x16x8xf32>, %p: index, %w: memref<16x32xf32>, %y: memref<3x16xf32>) -> memref<3x16xf32> {
  %a = memref.alloc() : memref<4x3x8xf32>
  spec.attention head_major scale 0.5 ins(%q, %k, %v : memref<4x3x8xf32>, memref<2x16x8xf32>, memref<2x16x8xf32>) position(%p) outs(%a : memref<4x3x8xf32>)
  %b = memref.alloc() : memref<3x4x8xf32>
  linalg.transpose ins(%a : memref<4x3x8xf32>) outs(%b : memref<3x4x8xf32>) permutation = [1, 0, 2]
  %rows = memref.collapse_shape %b [[0], [1, 2]] : memref<3x4x8xf32> into memref<3x32xf32>
  spec.linear out_in dense ins(%rows, %w : memref<3x32xf32>, memref<16x32xf32>) outs(%y : memref<3x16xf32>)
  return %y : memref<3x16xf32>
}

// Keys go into the cache, whose row is known behind the op; an assertion is no obstacle.
func.func @cache(%x: memref<2x3x8xf32>, %c: memref<3x4xf32>, %s: memref<3x4xf32>, %position: memref<i64>, %cache: memref<5x2x16x8xf32>) -> memref<5x2x16x8xf32> {
  %c13 = arith.constant 13 : index
  %a = memref.alloc() : memref<2x3x8xf32>
  spec.rope half token_dim 1 ins(%x, %c, %s : memref<2x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%a : memref<2x3x8xf32>)
  %0 = memref.load %position[] : memref<i64>
  %1 = arith.index_cast %0 : i64 to index
  %2 = arith.cmpi ule, %1, %c13 : index
  cf.assert %2, "outside of the cache"
  %3 = arith.minui %1, %c13 : index
  %there = memref.subview %cache[1, 0, %3, 0] [1, 2, 3, 8] [1, 1, 1, 1] : memref<5x2x16x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: ?>>
  memref.copy %a, %there : memref<2x3x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: ?>>
  return %cache : memref<5x2x16x8xf32>
}

// The row is computed in memory: that moves, too.
func.func @wrapped(%x: memref<1x8xf32>, %w: memref<8x8xf32>, %position: memref<i32>, %cache: memref<16x8xf32>) -> memref<16x8xf32> {
  %c0 = arith.constant 0 : i32
  %c16 = arith.constant 16 : i32
  %a = memref.alloc() : memref<1x8xf32>
  spec.linear out_in dense ins(%x, %w : memref<1x8xf32>, memref<8x8xf32>) outs(%a : memref<1x8xf32>)
  %b = memref.alloc() : memref<i32>
  linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []} ins(%position : memref<i32>) outs(%b : memref<i32>) {
  ^bb0(%in: i32, %o: i32):
    %4 = arith.addi %in, %c16 : i32
    %5 = arith.cmpi slt, %in, %c0 : i32
    %6 = arith.select %5, %4, %in : i32
    linalg.yield %6 : i32
  }
  %0 = memref.load %b[] : memref<i32>
  %1 = arith.index_cast %0 : i32 to index
  %there = memref.subview %cache[%1, 0] [1, 8] [1, 1] : memref<16x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
  memref.copy %a, %there : memref<1x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
  return %cache : memref<16x8xf32>
}

// Rows of all layers in one buffer, which is made behind them; later readers read it there. Parts of it do not overlap.
func.func @stack(%x: memref<2x3x8xf32>, %q: memref<2x3x8xf32>, %c: memref<3x4xf32>, %s: memref<3x4xf32>, %k: memref<2x16x8xf32>, %p: index, %y: memref<2x3x8xf32>,
                 %all: memref<2x2x3x8xf32>) -> (memref<2x3x8xf32>, memref<2x2x3x8xf32>) {
  %a = memref.alloc() : memref<2x3x8xf32>
  spec.rope half token_dim 1 ins(%x, %c, %s : memref<2x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%a : memref<2x3x8xf32>)
  %t = memref.alloc() : memref<2x3x8xf32>
  spec.attention head_major scale 0.5 ins(%q, %k, %k : memref<2x3x8xf32>, memref<2x16x8xf32>, memref<2x16x8xf32>)
    new(%a, %a : memref<2x3x8xf32>, memref<2x3x8xf32>) position(%p) outs(%t : memref<2x3x8xf32>)
  %b = memref.alloc() : memref<2x3x8xf32>
  spec.rope half token_dim 1 ins(%t, %c, %s : memref<2x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%b : memref<2x3x8xf32>)
  spec.attention head_major scale 0.5 ins(%q, %k, %k : memref<2x3x8xf32>, memref<2x16x8xf32>, memref<2x16x8xf32>)
    new(%b, %a : memref<2x3x8xf32>, memref<2x3x8xf32>) position(%p) outs(%y : memref<2x3x8xf32>)
  %rows = memref.alloc() : memref<4x3x8xf32>
  %first = memref.subview %rows[0, 0, 0] [2, 3, 8] [1, 1, 1] : memref<4x3x8xf32> to memref<2x3x8xf32, strided<[24, 8, 1]>>
  memref.copy %a, %first : memref<2x3x8xf32> to memref<2x3x8xf32, strided<[24, 8, 1]>>
  %second = memref.subview %rows[2, 0, 0] [2, 3, 8] [1, 1, 1] : memref<4x3x8xf32> to memref<2x3x8xf32, strided<[24, 8, 1], offset: 48>>
  memref.copy %b, %second : memref<2x3x8xf32> to memref<2x3x8xf32, strided<[24, 8, 1], offset: 48>>
  %layers = memref.expand_shape %rows [[0, 1], [2], [3]] output_shape [2, 2, 3, 8] : memref<4x3x8xf32> into memref<2x2x3x8xf32>
  memref.copy %layers, %all : memref<2x2x3x8xf32> to memref<2x2x3x8xf32>
  return %y, %all : memref<2x3x8xf32>, memref<2x2x3x8xf32>
}

// A matrix has the heads of one token one after the other: where they stay so, a product writes there.
func.func @one_token(%x: memref<1x8xf32>, %w: memref<16x8xf32>, %rows: memref<3x2x1x8xf32>) -> memref<3x2x1x8xf32> {
  %a = memref.alloc() : memref<1x16xf32>
  spec.linear out_in dense ins(%x, %w : memref<1x8xf32>, memref<16x8xf32>) outs(%a : memref<1x16xf32>)
  %flat = memref.collapse_shape %a [[0, 1]] : memref<1x16xf32> into memref<16xf32>
  %heads = memref.expand_shape %flat [[0, 1, 2]] output_shape [2, 1, 8] : memref<16xf32> into memref<2x1x8xf32>
  %there = memref.subview %rows[1, 0, 0, 0] [1, 2, 1, 8] [1, 1, 1, 1] : memref<3x2x1x8xf32> to memref<2x1x8xf32, strided<[8, 8, 1], offset: 16>>
  memref.copy %heads, %there : memref<2x1x8xf32> to memref<2x1x8xf32, strided<[8, 8, 1], offset: 16>>
  return %rows : memref<3x2x1x8xf32>
}

// Two ops write to the buffer.
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @filled(%x: memref<4x8xf32>, %y: memref<2x4xf32>) -> memref<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<4xf32>
  linalg.fill ins(%zero : f32) outs(%a : memref<4xf32>)
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x8xf32>) outs(%a : memref<4xf32>) {
  ^bb0(%in: f32, %o: f32):
    %0 = arith.addf %in, %o : f32
    linalg.yield %0 : f32
  }
  %there = memref.subview %y[1, 0] [1, 4] [1, 1] : memref<2x4xf32> to memref<4xf32, strided<[1], offset: 4>>
  memref.copy %a, %there : memref<4xf32> to memref<4xf32, strided<[1], offset: 4>>
  return %y : memref<2x4xf32>
}
