func.func @f(%x: memref<4x8xf64>) {
  linalg.softmax dimension(1) ins(%x : memref<4x8xf64>) outs(%x : memref<4x8xf64>)
  return
}
