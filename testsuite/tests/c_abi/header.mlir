func.func @f(%x: memref<4xf32>, %p: index, %workspace: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr)
    attributes {runtime_arguments} {
  return
}
