func.func @f() {
  %a = memref.alloc() : memref<4x4xf32, strided<[8, 1]>>
  return
}
