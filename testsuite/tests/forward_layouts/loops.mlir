// What a trip hands on is written where the next one reads it, and the rows of its layer into the stack.
func.func @layers(%x: memref<1x8xf32>, %w: memref<3x8x8xf32>, %g: memref<8xf32>, %rows: memref<3x8xf32>) -> (memref<1x8xf32>, memref<3x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  scf.for %i = %c0 to %c3 step %c1 {
    %a = memref.alloc() : memref<1x8xf32>
    spec.norm rms eps 1.0e-5 ins(%x, %g : memref<1x8xf32>, memref<8xf32>) outs(%a : memref<1x8xf32>)
    %layer = memref.subview %w[%i, 0, 0] [1, 8, 8] [1, 1, 1] : memref<3x8x8xf32> to memref<8x8xf32, strided<[8, 1], offset: ?>>
    %b = memref.alloc() : memref<1x8xf32>
    spec.linear out_in dense ins(%a, %layer : memref<1x8xf32>, memref<8x8xf32, strided<[8, 1], offset: ?>>) outs(%b : memref<1x8xf32>)
    %there = memref.subview %rows[%i, 0] [1, 8] [1, 1] : memref<3x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
    memref.copy %a, %there : memref<1x8xf32> to memref<1x8xf32, strided<[8, 1], offset: ?>>
    linalg.copy ins(%b : memref<1x8xf32>) outs(%x : memref<1x8xf32>)
  }
  return %x, %rows : memref<1x8xf32>, memref<3x8xf32>
}

// A loop reads what is read in place.
func.func @reader(%x: memref<3x4xf32>, %y: memref<4x3xf32>) -> memref<4x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %a = memref.alloc() : memref<4xf32>
  %there = memref.subview %x[1, 0] [1, 4] [1, 1] : memref<3x4xf32> to memref<4xf32, strided<[1], offset: 4>>
  memref.copy %there, %a : memref<4xf32, strided<[1], offset: 4>> to memref<4xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    %0 = memref.load %a[%i] : memref<4xf32>
    %1 = arith.addf %0, %0 : f32
    memref.store %1, %y[%i, %c1] : memref<4x3xf32>
  }
  return %y : memref<4x3xf32>
}

// The loop changes what was copied: the copy stays.
func.func @changed(%x: memref<4xf32>, %y: memref<4xf32>) -> (memref<4xf32>, memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %a = memref.alloc() : memref<4xf32>
  memref.copy %x, %a : memref<4xf32> to memref<4xf32>
  scf.for %i = %c0 to %c3 step %c1 {
    linalg.add ins(%a, %x : memref<4xf32>, memref<4xf32>) outs(%y : memref<4xf32>)
    linalg.copy ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  }
  return %x, %y : memref<4xf32>, memref<4xf32>
}
