// A loop is one op: what is read in it lives as long as it does. %a is the carried buffer under another name; %t is of one trip.
func.func @carried(%x: memref<32xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  %last = scf.for %i = %c0 to %n step %c1 iter_args(%c = %a) -> memref<32xf32> {
    %t = memref.alloc() : memref<32xf32>
    linalg.copy ins(%c : memref<32xf32>) outs(%t : memref<32xf32>)
    scf.for %j = %c0 to %n step %c1 {
      %u = memref.alloc() : memref<32xf32>
      linalg.copy ins(%t : memref<32xf32>) outs(%u : memref<32xf32>)
      linalg.copy ins(%u : memref<32xf32>) outs(%c : memref<32xf32>)
    }
    scf.yield %c : memref<32xf32>
  }
  %b = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%b : memref<32xf32>)
  linalg.copy ins(%last : memref<32xf32>) outs(%x : memref<32xf32>)
  linalg.copy ins(%b : memref<32xf32>) outs(%x : memref<32xf32>)
  return
}
func.func @while(%x: memref<32xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<32xf32>
  %b = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  linalg.copy ins(%x : memref<32xf32>) outs(%b : memref<32xf32>)
  %last:2 = scf.while (%i = %c0, %p = %a, %q = %b) : (index, memref<32xf32>, memref<32xf32>) -> (index, memref<32xf32>) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %i, %q : index, memref<32xf32>
  } do {
  ^bb0(%i: index, %q: memref<32xf32>):
    %next = arith.addi %i, %c1 : index
    scf.yield %next, %q, %q : index, memref<32xf32>, memref<32xf32>
  }
  %c = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%c : memref<32xf32>)
  linalg.copy ins(%last#1 : memref<32xf32>) outs(%x : memref<32xf32>)
  linalg.copy ins(%c : memref<32xf32>) outs(%x : memref<32xf32>)
  return
}
