func.func @f(%x: memref<?x8xf32>) {
  linalg.softmax dimension(1) ins(%x : memref<?x8xf32>) outs(%x : memref<?x8xf32>)
  return
}
