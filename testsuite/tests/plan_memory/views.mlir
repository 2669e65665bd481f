// A view keeps its buffer alive: %a and %b may not share with %c.
func.func @subview(%x: memref<32xf32>, %y: memref<16xf32>) {
  %z = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  %v = memref.subview %a[16] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 16>>
  %e = memref.expand_shape %v [[0, 1]] output_shape [4, 4] : memref<16xf32, strided<[1], offset: 16>> into memref<4x4xf32, strided<[4, 1], offset: 16>>
  %b = memref.alloc() : memref<4x4xf32>
  %t = memref.transpose %b (i, j) -> (j, i) : memref<4x4xf32> to memref<4x4xf32, strided<[1, 4]>>
  linalg.fill ins(%z : f32) outs(%b : memref<4x4xf32>)
  %c = memref.alloc() : memref<16xf32>
  linalg.copy ins(%y : memref<16xf32>) outs(%c : memref<16xf32>)
  linalg.copy ins(%e : memref<4x4xf32, strided<[4, 1], offset: 16>>) outs(%t : memref<4x4xf32, strided<[1, 4]>>)
  linalg.copy ins(%c : memref<16xf32>) outs(%y : memref<16xf32>)
  return
}
// What a selection or a branch hands out may be either buffer: both live until the last use.
func.func @choice(%x: memref<32xf32>, %which: i1) {
  %a = memref.alloc() : memref<32xf32>
  %b = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  linalg.copy ins(%x : memref<32xf32>) outs(%b : memref<32xf32>)
  %s = arith.select %which, %a, %b : memref<32xf32>
  %c = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%c : memref<32xf32>)
  %r = scf.if %which -> memref<32xf32> {
    %d = memref.alloc() : memref<32xf32>
    linalg.copy ins(%x : memref<32xf32>) outs(%d : memref<32xf32>)
    scf.yield %d : memref<32xf32>
  } else {
    scf.yield %c : memref<32xf32>
  }
  %f = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%f : memref<32xf32>)
  linalg.copy ins(%s : memref<32xf32>) outs(%x : memref<32xf32>)
  linalg.copy ins(%r : memref<32xf32>) outs(%x : memref<32xf32>)
  linalg.copy ins(%f : memref<32xf32>) outs(%x : memref<32xf32>)
  return
}
// So may what any other op with regions or results hands out, known to this pass or not.
func.func @others(%x: memref<32xf32>, %i: index) {
  %a = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  %r = scf.index_switch %i -> memref<32xf32>
  case 0 {
    scf.yield %a : memref<32xf32>
  }
  default {
    scf.yield %x : memref<32xf32>
  }
  %u = call @identity(%a) : (memref<32xf32>) -> memref<32xf32>
  %b = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%b : memref<32xf32>)
  linalg.copy ins(%r : memref<32xf32>) outs(%b : memref<32xf32>)
  linalg.copy ins(%u : memref<32xf32>) outs(%b : memref<32xf32>)
  linalg.copy ins(%b : memref<32xf32>) outs(%x : memref<32xf32>)
  return
}
func.func private @identity(memref<32xf32>) -> memref<32xf32>
