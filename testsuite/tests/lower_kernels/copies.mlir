// Contiguous copies stay, as upstream makes a memcpy of them; strided ones become loops, also where a dimension of 1 stands inside.
func.func @f(%a: memref<2x8xf32>, %b: memref<4x16xf32>, %c: memref<2x1x4xf32, strided<[4, 99, 1]>>, %d: memref<2x1x4xf32>, %s: memref<f32>, %t: memref<f32>, %p: index) {
  %v = memref.subview %b[%p, 0] [2, 16] [1, 1] : memref<4x16xf32> to memref<2x16xf32, strided<[16, 1], offset: ?>>
  %w = memref.subview %b[0, 8] [2, 8] [1, 1] : memref<4x16xf32> to memref<2x8xf32, strided<[16, 1], offset: 8>>
  %u = memref.subview %b[%p, 8] [1, 8] [1, 1] : memref<4x16xf32> to memref<1x8xf32, strided<[16, 1], offset: ?>>
  %o = memref.subview %a[0, 0] [1, 8] [1, 1] : memref<2x8xf32> to memref<1x8xf32, strided<[8, 1]>>
  memref.copy %v, %v : memref<2x16xf32, strided<[16, 1], offset: ?>> to memref<2x16xf32, strided<[16, 1], offset: ?>>
  memref.copy %w, %a : memref<2x8xf32, strided<[16, 1], offset: 8>> to memref<2x8xf32>
  memref.copy %u, %o : memref<1x8xf32, strided<[16, 1], offset: ?>> to memref<1x8xf32, strided<[8, 1]>>
  memref.copy %c, %d : memref<2x1x4xf32, strided<[4, 99, 1]>> to memref<2x1x4xf32>
  memref.copy %s, %t : memref<f32> to memref<f32>
  return
}
