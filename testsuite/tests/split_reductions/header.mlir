// arg: --spec-split-reductions
func.func @matvec(%w: memref<4x37xf32>, %x: memref<37xf32>, %y: memref<4xf32>) {
  linalg.matvec ins(%w, %x : memref<4x37xf32>, memref<37xf32>) outs(%y : memref<4xf32>)
  return
}
