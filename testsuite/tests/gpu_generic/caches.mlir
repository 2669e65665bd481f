// Rows into a cache at a run-time position.
func.func @append(%p: memref<i64>, %x: memref<4x5x8xf32>, %kv: memref<5x4x256x8xf32>) -> memref<5x4x256x8xf32> {
  %c251 = arith.constant 251 : index
  %0 = memref.load %p[] : memref<i64>
  %1 = arith.index_cast %0 : i64 to index
  %2 = arith.minui %1, %c251 : index
  %s = memref.subview %kv[2, 0, %2, 0] [1, 4, 5, 8] [1, 1, 1, 1] : memref<5x4x256x8xf32> to memref<4x5x8xf32, strided<[2048, 8, 1], offset: ?>>
  memref.copy %x, %s : memref<4x5x8xf32> to memref<4x5x8xf32, strided<[2048, 8, 1], offset: ?>>
  return %kv : memref<5x4x256x8xf32>
}

// Rows of 14 bytes, there and back.
func.func @oddappend(%p: memref<i64>, %x: memref<4x5x7xf16>, %kv: memref<4x256x7xf16>) -> (memref<4x5x7xf16>, memref<4x256x7xf16>) {
  %c251 = arith.constant 251 : index
  %0 = memref.load %p[] : memref<i64>
  %1 = arith.index_cast %0 : i64 to index
  %2 = arith.minui %1, %c251 : index
  %s = memref.subview %kv[0, %2, 0] [4, 5, 7] [1, 1, 1] : memref<4x256x7xf16> to memref<4x5x7xf16, strided<[1792, 7, 1], offset: ?>>
  linalg.copy ins(%x : memref<4x5x7xf16>) outs(%s : memref<4x5x7xf16, strided<[1792, 7, 1], offset: ?>>)
  %l = memref.subview %kv[0, %2, 0] [4, 5, 7] [1, 1, 1] : memref<4x256x7xf16> to memref<4x5x7xf16, strided<[1792, 7, 1], offset: ?>>
  memref.copy %l, %x : memref<4x5x7xf16, strided<[1792, 7, 1], offset: ?>> to memref<4x5x7xf16>
  return %x, %kv : memref<4x5x7xf16>, memref<4x256x7xf16>
}
