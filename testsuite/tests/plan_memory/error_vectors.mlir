func.func @f() {
  %a = memref.alloc() : memref<4xvector<4xf32>>
  return
}
