// %k was writable and is no result: what is written to goes into a copy. %w is only read: it stays. %r is a result: it is written to.
func.func @f(%k: memref<4xf32>, %w: memref<4xf32>, %r: memref<4xf32>, %which: i1) -> (memref<4xf32>, memref<4xf32>) attributes {writable_arguments = array<i64: 0, 1, 2>} {
  %z = arith.constant 7.0 : f32
  %a = memref.alloc() : memref<4xf32>
  memref.copy %w, %a : memref<4xf32> to memref<4xf32>
  %s = arith.select %which, %a, %k : memref<4xf32>
  %v = memref.cast %s : memref<4xf32> to memref<?xf32>
  linalg.fill ins(%z : f32) outs(%v : memref<?xf32>)
  linalg.copy ins(%w : memref<4xf32>) outs(%r : memref<4xf32>)
  return %r, %s : memref<4xf32>, memref<4xf32>
}
