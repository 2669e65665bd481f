func.func @f(%a: memref<?xf32>, %n: index) -> memref<?xf32, strided<[2]>> {
  %v = memref.subview %a[0] [%n] [2] : memref<?xf32> to memref<?xf32, strided<[2]>>
  return %v : memref<?xf32, strided<[2]>>
}
