// arg: --spec-split-reductions
// The output's last dimension becomes the innermost loop. Weights are the larger input: they are read once.
func.func @matmul(%x: memref<3x64xf32>, %w: memref<64x48xf32>, %y: memref<3x48xf32>) {
  linalg.matmul ins(%x, %w : memref<3x64xf32>, memref<64x48xf32>) outs(%y : memref<3x48xf32>)
  return
}

func.func @vecmat(%x: memref<64xf32>, %w: memref<64x48xf32>, %y: memref<48xf32>) {
  linalg.vecmat ins(%x, %w : memref<64xf32>, memref<64x48xf32>) outs(%y : memref<48xf32>)
  return
}

// Is in this order already.
func.func @columns(%x: memref<40x32xi32>, %y: memref<32xi32>) {
  linalg.reduce ins(%x : memref<40x32xi32>) outs(%y : memref<32xi32>) dimensions = [0]
    (%a: i32, %s: i32) {
      %0 = arith.addi %a, %s : i32
      linalg.yield %0 : i32
    }
  return
}
