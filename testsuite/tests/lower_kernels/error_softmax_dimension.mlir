func.func @f(%x: memref<4x8xf32>) {
  linalg.softmax dimension(0) ins(%x : memref<4x8xf32>) outs(%x : memref<4x8xf32>)
  return
}
