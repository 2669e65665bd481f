func.func @f(%x: memref<4xf32>, %c: i1, %w: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  cf.cond_br %c, ^a, ^b
^a:
  return
^b:
  return
}
