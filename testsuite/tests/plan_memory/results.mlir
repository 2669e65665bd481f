// An argument; a buffer; the same buffer again, also in another shape; a part of a buffer; an argument again.
func.func @kinds(%k: memref<8xf32> {llvm.noalias}, %x: memref<4xf32>) -> (memref<8xf32>, memref<4xf32>, memref<4xf32>, memref<2x2xf32>, memref<2xf32, strided<[1], offset: 2>>, memref<8xf32>) {
  %a = memref.alloc() : memref<4xf32>
  linalg.copy ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  %e = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  %b = memref.alloc() : memref<4xf32>
  linalg.copy ins(%x : memref<4xf32>) outs(%b : memref<4xf32>)
  %p = memref.subview %b[2] [2] [1] : memref<4xf32> to memref<2xf32, strided<[1], offset: 2>>
  return %k, %a, %a, %e, %p, %k : memref<8xf32>, memref<4xf32>, memref<4xf32>, memref<2x2xf32>, memref<2xf32, strided<[1], offset: 2>>, memref<8xf32>
}
// A view first, then the buffer.
func.func @view_first(%x: memref<4xf32>) -> (memref<2x2xf32>, memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  linalg.copy ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
  %e = memref.expand_shape %a [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %e, %a : memref<2x2xf32>, memref<4xf32>
}
func.func @scalars(%i: index, %x: memref<4xf32>) -> (index, f32, i1) {
  %c0 = arith.constant 0 : index
  %f = memref.load %x[%c0] : memref<4xf32>
  %b = arith.cmpi slt, %i, %c0 : index
  return %i, %f, %b : index, f32, i1
}
// A whole argument in another shape; a part of one; a transposed one; a constant; what a loop, a branch, a selection leaves.
func.func @others(%k: memref<8xf32>, %w: memref<2x4xf32>, %n: index, %which: i1) -> (memref<2x4xf32>, memref<4xf32, strided<[1], offset: 4>>, memref<4x2xf32, strided<[1, 4]>>, memref<2xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = memref.expand_shape %k [[0, 1]] output_shape [2, 4] : memref<8xf32> into memref<2x4xf32>
  %p = memref.subview %k[4] [4] [1] : memref<8xf32> to memref<4xf32, strided<[1], offset: 4>>
  %t = memref.transpose %w (i, j) -> (j, i) : memref<2x4xf32> to memref<4x2xf32, strided<[1, 4]>>
  %g = memref.get_global @table : memref<2xf32>
  %a = memref.alloc() : memref<8xf32>
  linalg.copy ins(%k : memref<8xf32>) outs(%a : memref<8xf32>)
  %l = scf.for %i = %c0 to %n step %c1 iter_args(%c = %a) -> memref<8xf32> {
    linalg.copy ins(%k : memref<8xf32>) outs(%c : memref<8xf32>)
    scf.yield %c : memref<8xf32>
  }
  %b = scf.if %which -> memref<8xf32> {
    %d = memref.alloc() : memref<8xf32>
    linalg.copy ins(%k : memref<8xf32>) outs(%d : memref<8xf32>)
    scf.yield %d : memref<8xf32>
  } else {
    scf.yield %k : memref<8xf32>
  }
  %s = arith.select %which, %a, %k : memref<8xf32>
  return %e, %p, %t, %g, %l, %b, %s : memref<2x4xf32>, memref<4xf32, strided<[1], offset: 4>>, memref<4x2xf32, strided<[1, 4]>>, memref<2xf32>, memref<8xf32>, memref<8xf32>, memref<8xf32>
}
memref.global "private" constant @table : memref<2xf32> = dense<[1.0, 2.0]>
