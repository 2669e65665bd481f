// The init is %a, then the loop hands on what it made: two trips would share one place.
func.func @f(%x: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<4xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%c = %a) -> memref<4xf32> {
    %t = memref.alloc() : memref<4xf32>
    linalg.copy ins(%c : memref<4xf32>) outs(%t : memref<4xf32>)
    %v = memref.cast %t : memref<4xf32> to memref<?xf32>
    %w = memref.cast %v : memref<?xf32> to memref<4xf32>
    scf.yield %w : memref<4xf32>
  }
  linalg.copy ins(%r : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}
