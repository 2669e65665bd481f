func.func @f() {
  %a = memref.alloc() : memref<4294967296x4294967296x4xf32>
  return
}
