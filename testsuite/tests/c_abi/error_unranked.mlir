func.func @f(%x: memref<*xf32>, %w: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  return
}
