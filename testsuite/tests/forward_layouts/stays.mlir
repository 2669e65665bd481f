// The elements of a row would not stand side by side.
func.func @columns(%x: memref<8x3xf32>, %w: memref<8xf32>, %y: memref<3x8xf32>) -> memref<3x8xf32> {
  %a = memref.alloc() : memref<3x8xf32>
  linalg.transpose ins(%x : memref<8x3xf32>) outs(%a : memref<3x8xf32>) permutation = [1, 0]
  spec.norm rms eps 1.0e-5 ins(%a, %w : memref<3x8xf32>, memref<8xf32>) outs(%y : memref<3x8xf32>)
  return %y : memref<3x8xf32>
}

// A weight is contiguous.
func.func @weight(%x: memref<1x8xf32>, %w: memref<4x2x8xf32>, %y: memref<1x8xf32>) -> memref<1x8xf32> {
  %a = memref.alloc() : memref<2x4x8xf32>
  linalg.transpose ins(%w : memref<4x2x8xf32>) outs(%a : memref<2x4x8xf32>) permutation = [1, 0, 2]
  %b = memref.collapse_shape %a [[0, 1], [2]] : memref<2x4x8xf32> into memref<8x8xf32>
  spec.linear out_in dense ins(%x, %b : memref<1x8xf32>, memref<8x8xf32>) outs(%y : memref<1x8xf32>)
  return %y : memref<1x8xf32>
}

// Rows of a norm are not evenly spaced once transposed.
func.func @uneven(%x: memref<3x4x8xf32>, %w: memref<8xf32>, %y: memref<12x8xf32>) -> memref<12x8xf32> {
  %a = memref.alloc() : memref<4x3x8xf32>
  linalg.transpose ins(%x : memref<3x4x8xf32>) outs(%a : memref<4x3x8xf32>) permutation = [1, 0, 2]
  %rows = memref.collapse_shape %a [[0, 1], [2]] : memref<4x3x8xf32> into memref<12x8xf32>
  spec.norm rms eps 1.0e-5 ins(%rows, %w : memref<12x8xf32>, memref<8xf32>) outs(%y : memref<12x8xf32>)
  return %y : memref<12x8xf32>
}

// The heads of a matrix's rows are not rows of a matrix in a cache.
func.func @values(%x: memref<3x8xf32>, %w: memref<16x8xf32>, %p: index, %cache: memref<2x16x8xf32>) -> memref<2x16x8xf32> {
  %a = memref.alloc() : memref<3x16xf32>
  spec.linear out_in dense ins(%x, %w : memref<3x8xf32>, memref<16x8xf32>) outs(%a : memref<3x16xf32>)
  %heads = memref.expand_shape %a [[0], [1, 2]] output_shape [3, 2, 8] : memref<3x16xf32> into memref<3x2x8xf32>
  %b = memref.alloc() : memref<2x3x8xf32>
  linalg.transpose ins(%heads : memref<3x2x8xf32>) outs(%b : memref<2x3x8xf32>) permutation = [1, 0, 2]
  %there = memref.subview %cache[0, %p, 0] [2, 3, 8] [1, 1, 1] : memref<2x16x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: ?>>
  memref.copy %b, %there : memref<2x3x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: ?>>
  return %cache : memref<2x16x8xf32>
}

// The source is written before the copy is read.
func.func @overwritten(%x: memref<3x8xf32>, %w: memref<8xf32>, %y: memref<3x8xf32>) -> (memref<3x8xf32>, memref<3x8xf32>) {
  %a = memref.alloc() : memref<3x8xf32>
  memref.copy %x, %a : memref<3x8xf32> to memref<3x8xf32>
  linalg.add ins(%y, %y : memref<3x8xf32>, memref<3x8xf32>) outs(%x : memref<3x8xf32>)
  spec.norm rms eps 1.0e-5 ins(%a, %w : memref<3x8xf32>, memref<8xf32>) outs(%y : memref<3x8xf32>)
  return %x, %y : memref<3x8xf32>, memref<3x8xf32>
}

// The copy is changed.
func.func @changed(%x: memref<3x8xf32>, %y: memref<3x8xf32>) -> (memref<3x8xf32>, memref<3x8xf32>) {
  %a = memref.alloc() : memref<3x8xf32>
  memref.copy %x, %a : memref<3x8xf32> to memref<3x8xf32>
  linalg.add ins(%a, %x : memref<3x8xf32>, memref<3x8xf32>) outs(%a : memref<3x8xf32>)
  linalg.add ins(%a, %x : memref<3x8xf32>, memref<3x8xf32>) outs(%y : memref<3x8xf32>)
  return %x, %y : memref<3x8xf32>, memref<3x8xf32>
}

// The destination is read between the op and the copy.
func.func @read(%x: memref<3x8xf32>, %w: memref<8xf32>, %cache: memref<16x8xf32>, %y: memref<16x8xf32>) -> (memref<16x8xf32>, memref<16x8xf32>) {
  %a = memref.alloc() : memref<3x8xf32>
  spec.norm rms eps 1.0e-5 ins(%x, %w : memref<3x8xf32>, memref<8xf32>) outs(%a : memref<3x8xf32>)
  linalg.add ins(%cache, %cache : memref<16x8xf32>, memref<16x8xf32>) outs(%y : memref<16x8xf32>)
  %there = memref.subview %cache[2, 0] [3, 8] [1, 1] : memref<16x8xf32> to memref<3x8xf32, strided<[8, 1], offset: 16>>
  memref.copy %a, %there : memref<3x8xf32> to memref<3x8xf32, strided<[8, 1], offset: 16>>
  return %cache, %y : memref<16x8xf32>, memref<16x8xf32>
}

// The op reads what it would write.
func.func @itself(%x: memref<4x8xf32>, %w: memref<8x8xf32>) -> memref<4x8xf32> {
  %a = memref.alloc() : memref<4x8xf32>
  spec.linear out_in dense ins(%x, %w : memref<4x8xf32>, memref<8x8xf32>) outs(%a : memref<4x8xf32>)
  memref.copy %a, %x : memref<4x8xf32> to memref<4x8xf32>
  return %x : memref<4x8xf32>
}

// The source is changed, or the destination, behind the copy, and the source is read again.
func.func @later(%x: memref<3x8xf32>, %w: memref<8xf32>, %y: memref<3x8xf32>, %z: memref<3x8xf32>) -> (memref<3x8xf32>, memref<3x8xf32>) {
  %a = memref.alloc() : memref<3x8xf32>
  spec.norm rms eps 1.0e-5 ins(%x, %w : memref<3x8xf32>, memref<8xf32>) outs(%a : memref<3x8xf32>)
  memref.copy %a, %y : memref<3x8xf32> to memref<3x8xf32>
  linalg.add ins(%x, %x : memref<3x8xf32>, memref<3x8xf32>) outs(%y : memref<3x8xf32>)
  linalg.add ins(%a, %x : memref<3x8xf32>, memref<3x8xf32>) outs(%z : memref<3x8xf32>)
  return %y, %z : memref<3x8xf32>, memref<3x8xf32>
}

// The place is known once the op has run: it is computed from what the op writes.
func.func @late_place(%x: memref<1x16xf32>, %y: memref<16x1xi64>) -> memref<16x1xi64> {
  %a = memref.alloc() : memref<1xi64>
  spec.argmax ins(%x : memref<1x16xf32>) outs(%a : memref<1xi64>)
  %c0 = arith.constant 0 : index
  %0 = memref.load %a[%c0] : memref<1xi64>
  %1 = arith.index_cast %0 : i64 to index
  %there = memref.subview %y[%1, 0] [1, 1] [1, 1] : memref<16x1xi64> to memref<1xi64, strided<[1], offset: ?>>
  memref.copy %a, %there : memref<1xi64> to memref<1xi64, strided<[1], offset: ?>>
  return %y : memref<16x1xi64>
}

// What an op does that the pass does not know is not known.
func.func @unknown(%x: memref<3x8xf32>, %w: memref<8xf32>, %n: memref<4xi32>, %cache: memref<16x8xf32>) -> (memref<16x8xf32>, memref<4xi32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : i32
  %a = memref.alloc() : memref<3x8xf32>
  spec.norm rms eps 1.0e-5 ins(%x, %w : memref<3x8xf32>, memref<8xf32>) outs(%a : memref<3x8xf32>)
  %0 = memref.atomic_rmw addi %one, %n[%c0] : (i32, memref<4xi32>) -> i32
  %there = memref.subview %cache[2, 0] [3, 8] [1, 1] : memref<16x8xf32> to memref<3x8xf32, strided<[8, 1], offset: 16>>
  memref.copy %a, %there : memref<3x8xf32> to memref<3x8xf32, strided<[8, 1], offset: 16>>
  return %cache, %n : memref<16x8xf32>, memref<4xi32>
}

// A result is a buffer of its own.
func.func @returned(%x: memref<3x8xf32>, %w: memref<8xf32>, %y: memref<3x8xf32>) -> (memref<3x8xf32>, memref<3x8xf32>, memref<3x8xf32>) {
  %a = memref.alloc() : memref<3x8xf32>
  spec.norm rms eps 1.0e-5 ins(%x, %w : memref<3x8xf32>, memref<8xf32>) outs(%a : memref<3x8xf32>)
  memref.copy %a, %y : memref<3x8xf32> to memref<3x8xf32>
  %b = memref.alloc() : memref<3x8xf32>
  memref.copy %x, %b : memref<3x8xf32> to memref<3x8xf32>
  return %a, %b, %y : memref<3x8xf32>, memref<3x8xf32>, memref<3x8xf32>
}

// Some elements twice: not a copy.
func.func @repeated(%x: memref<1x8xf32>, %w: memref<8xf32>, %y: memref<3x8xf32>) -> memref<3x8xf32> {
  %a = memref.alloc() : memref<3x8xf32>
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (0, d1)>, affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<1x8xf32>) outs(%a : memref<3x8xf32>) {
  ^bb0(%in: f32, %o: f32):
    linalg.yield %in : f32
  }
  spec.norm rms eps 1.0e-5 ins(%a, %w : memref<3x8xf32>, memref<8xf32>) outs(%y : memref<3x8xf32>)
  return %y : memref<3x8xf32>
}

// Buffers that a loop hands on may be any.
func.func @swapped(%x: memref<4xf32>, %y: memref<4xf32>, %z: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>, memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r:2 = scf.for %i = %c0 to %c3 step %c1 iter_args(%p = %x, %q = %y) -> (memref<4xf32>, memref<4xf32>) {
    %a = memref.alloc() : memref<4xf32>
    linalg.add ins(%p, %q : memref<4xf32>, memref<4xf32>) outs(%a : memref<4xf32>)
    memref.copy %a, %q : memref<4xf32> to memref<4xf32>
    scf.yield %q, %p : memref<4xf32>, memref<4xf32>
  }
  memref.copy %r#1, %z : memref<4xf32> to memref<4xf32>
  return %x, %y, %z : memref<4xf32>, memref<4xf32>, memref<4xf32>
}
