// Two entries: memrefs of rank 0, 1 and 3, scalars of every kind; a private function; one without runtime arguments; a declaration.
func.func @f(%r0: memref<f32>, %r1: memref<4xbf16>, %r3: memref<2x3x4xi8>, %none: memref<0x4xf32>, %w: memref<128xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  %c0 = arith.constant 0 : index
  %0 = memref.load %r0[] : memref<f32>
  %1 = memref.load %r3[%c0, %c0, %c0] : memref<2x3x4xi8>
  %v = memref.view %w[%c0][] : memref<128xi8> to memref<f32>
  memref.store %0, %v[] : memref<f32>
  func.call @g(%r1, %pool, %status) : (memref<4xbf16>, !llvm.ptr, !llvm.ptr) -> ()
  return
}
func.func @scalars(%i: index, %b: i1, %n: i64, %m: i32, %h: f16, %x: f32, %out: memref<i64>, %w: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  %0 = arith.index_cast %i : index to i64
  %1 = arith.addi %0, %n : i64
  %2 = arith.select %b, %0, %1 : i64
  memref.store %2, %out[] : memref<i64>
  return
}
func.func private @g(%x: memref<4xbf16>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  return
}
func.func @spec_other(%x: memref<4xf32>) {
  return
}
func.func private @declared(memref<4xf32>)
