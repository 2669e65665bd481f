func.func @f(%x: memref<4xf32, strided<[1], offset: 4>>, %w: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  return
}
