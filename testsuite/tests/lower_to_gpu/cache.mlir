// A position that is read from a buffer, and clamped, is computed again in the kernels; the assertion is a launch that sets the status.
func.func @f(%q: memref<4x1x16xf32>, %k: memref<2x40x16xf32>, %v: memref<2x40x16xf32>, %new: memref<2x1x16xf32>, %at: memref<1xi64>, %y: memref<4x1x16xf32>) {
  %c0 = arith.constant 0 : index
  %most = arith.constant 39 : index
  %p = memref.load %at[%c0] : memref<1xi64>
  %i = arith.index_cast %p : i64 to index
  %fits = arith.cmpi ule, %i, %most : index
  cf.assert %fits, "a position is outside of the cache or table that it indexes"
  %j = arith.minui %i, %most : index
  %slot = memref.subview %k[0, %j, 0] [2, 1, 16] [1, 1, 1] : memref<2x40x16xf32> to memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>
  memref.copy %new, %slot : memref<2x1x16xf32> to memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>
  spec.attention head_major scale 2.5e-01 ins(%q, %k, %v : memref<4x1x16xf32>, memref<2x40x16xf32>, memref<2x40x16xf32>) position(%j) outs(%y : memref<4x1x16xf32>)
  return
}
