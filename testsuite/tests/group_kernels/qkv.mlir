// Queries are rotated; keys are rotated into the cache, values copied into it, at a place that is known at run time only.
func.func @f(%x: memref<1x64xf32>, %g: memref<64xf32>, %wq: memref<64x64xf32>, %wk: memref<32x64xf32>, %wv: memref<32x64xf32>, %cos: memref<1x8xf32>, %sin: memref<1x8xf32>,
             %k: memref<2x2x40x16xf32>, %v: memref<2x2x40x16xf32>, %at: memref<i64>, %y: memref<4x1x16xf32>) {
  %most = arith.constant 39 : index
  %h = memref.alloc() : memref<1x64xf32>
  %qx = memref.alloc() : memref<1x64xf32>
  %kx = memref.alloc() : memref<1x32xf32>
  %vx = memref.alloc() : memref<1x32xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
  spec.linear out_in dense ins(%h, %wq : memref<1x64xf32>, memref<64x64xf32>) outs(%qx : memref<1x64xf32>)
  spec.linear out_in dense ins(%h, %wk : memref<1x64xf32>, memref<32x64xf32>) outs(%kx : memref<1x32xf32>)
  spec.linear out_in dense ins(%h, %wv : memref<1x64xf32>, memref<32x64xf32>) outs(%vx : memref<1x32xf32>)
  %p = memref.load %at[] : memref<i64>
  %i = arith.index_cast %p : i64 to index
  %j = arith.minui %i, %most : index
  %q3 = memref.expand_shape %qx [[0, 1], [2]] output_shape [1, 1, 64] : memref<1x64xf32> into memref<1x1x64xf32>
  %q4 = memref.collapse_shape %q3 [[0, 1, 2]] : memref<1x1x64xf32> into memref<64xf32>
  %q5 = memref.expand_shape %q4 [[0, 1, 2]] output_shape [4, 1, 16] : memref<64xf32> into memref<4x1x16xf32>
  %k3 = memref.collapse_shape %kx [[0, 1]] : memref<1x32xf32> into memref<32xf32>
  %k4 = memref.expand_shape %k3 [[0, 1, 2]] output_shape [2, 1, 16] : memref<32xf32> into memref<2x1x16xf32>
  %v3 = memref.collapse_shape %vx [[0, 1]] : memref<1x32xf32> into memref<32xf32>
  %v4 = memref.expand_shape %v3 [[0, 1, 2]] output_shape [2, 1, 16] : memref<32xf32> into memref<2x1x16xf32>
  spec.rope half token_dim 1 ins(%q5, %cos, %sin : memref<4x1x16xf32>, memref<1x8xf32>, memref<1x8xf32>) outs(%y : memref<4x1x16xf32>)
  %ks = memref.subview %k[1, 0, %j, 0] [1, 2, 1, 16] [1, 1, 1, 1] : memref<2x2x40x16xf32> to memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>
  spec.rope half token_dim 1 ins(%k4, %cos, %sin : memref<2x1x16xf32>, memref<1x8xf32>, memref<1x8xf32>) outs(%ks : memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>)
  %vs = memref.subview %v[1, 0, %j, 0] [1, 2, 1, 16] [1, 1, 1, 1] : memref<2x2x40x16xf32> to memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>
  memref.copy %v4, %vs : memref<2x1x16xf32> to memref<2x1x16xf32, strided<[640, 16, 1], offset: ?>>
  return
}
