// arg: --spec-split-reductions
// arg: --canonicalize
// arg: --cse
func.func @largest(%x: memref<2x50xf32>, %y: memref<2xf32>) {
  linalg.reduce ins(%x : memref<2x50xf32>) outs(%y : memref<2xf32>) dimensions = [1]
    (%a: f32, %s: f32) {
      %0 = arith.maxnumf %a, %s : f32
      linalg.yield %0 : f32
    }
  return
}
