// Rows of a table at a run-time place are copied once for all rotations that read them.
func.func @f(%x: memref<4x1x16xf32>, %z: memref<2x1x16xf32>, %cos: memref<64x8xf32>, %sin: memref<64x8xf32>, %at: memref<i64>, %y: memref<4x1x16xf32>, %w: memref<2x1x16xf32>) {
  %p = memref.load %at[] : memref<i64>
  %i = arith.index_cast %p : i64 to index
  %c = memref.subview %cos[%i, 0] [1, 8] [1, 1] : memref<64x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
  %s = memref.subview %sin[%i, 0] [1, 8] [1, 1] : memref<64x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
  spec.rope half token_dim 1 ins(%x, %c, %s : memref<4x1x16xf32>, memref<1x8xf32, strided<[8, 1], offset: ?>>, memref<1x8xf32, strided<[8, 1], offset: ?>>) outs(%y : memref<4x1x16xf32>)
  spec.rope half token_dim 1 ins(%z, %c, %s : memref<2x1x16xf32>, memref<1x8xf32, strided<[8, 1], offset: ?>>, memref<1x8xf32, strided<[8, 1], offset: ?>>) outs(%w : memref<2x1x16xf32>)
  return
}
