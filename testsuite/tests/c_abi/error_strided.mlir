func.func @f(%x: memref<4x4xf32, strided<[8, 1]>>, %w: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  return
}
