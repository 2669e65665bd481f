// arg: --pass-pipeline=builtin.module(func.func(spec-split-reductions{lanes=4},canonicalize,cse))
func.func @dot(%a: memref<9xf64>, %b: memref<9xf64>, %y: memref<f64>) {
  linalg.dot ins(%a, %b : memref<9xf64>, memref<9xf64>) outs(%y : memref<f64>)
  return
}
