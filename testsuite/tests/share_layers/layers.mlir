// arg: --spec-share-layers=min-ops=2
// Three layers that hand their buffer on; offsets of the weights differ; constants are copied; views stay in front of the calls.
func.func @f(%x: memref<4xf32>, %w: memref<12xf32>, %k: memref<8x4xf32>, %p: index) {
  %z = arith.constant 0.0 : f32
  %w0 = memref.subview %w[0] [4] [1] : memref<12xf32> to memref<4xf32, strided<[1]>>
  linalg.add ins(%x, %w0 : memref<4xf32>, memref<4xf32, strided<[1]>>) outs(%x : memref<4xf32>)
  %r0 = memref.subview %k[%p, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
  linalg.fill ins(%z : f32) outs(%r0 : memref<4xf32, strided<[1], offset: ?>>)
  %w1 = memref.subview %w[4] [4] [1] : memref<12xf32> to memref<4xf32, strided<[1], offset: 4>>
  linalg.add ins(%x, %w1 : memref<4xf32>, memref<4xf32, strided<[1], offset: 4>>) outs(%x : memref<4xf32>)
  %q = arith.addi %p, %p : index
  %r1 = memref.subview %k[%q, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
  linalg.fill ins(%z : f32) outs(%r1 : memref<4xf32, strided<[1], offset: ?>>)
  %w2 = memref.subview %w[8] [4] [1] : memref<12xf32> to memref<4xf32, strided<[1], offset: 8>>
  linalg.add ins(%x, %w2 : memref<4xf32>, memref<4xf32, strided<[1], offset: 8>>) outs(%x : memref<4xf32>)
  linalg.fill ins(%z : f32) outs(%r0 : memref<4xf32, strided<[1], offset: ?>>)
  return
}
