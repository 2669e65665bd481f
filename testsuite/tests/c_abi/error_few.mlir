func.func @f(%pool: !llvm.ptr, %status: !llvm.ptr) attributes {runtime_arguments} {
  return
}
