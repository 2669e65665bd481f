// No kernel does a loop with a run-time number of trips.
func.func @f(%x: memref<64xf32>, %n: memref<i64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %p = memref.load %n[] : memref<i64>
  %i = arith.index_cast %p : i64 to index
  scf.for %j = %c0 to %i step %c1 {
    %v = memref.load %x[%j] : memref<64xf32>
    %w = arith.addf %v, %v : f32
    memref.store %w, %x[%j] : memref<64xf32>
  }
  return
}
