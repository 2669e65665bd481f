// arg: --pass-pipeline=builtin.module(func.func(spec-split-reductions{sums=false},canonicalize,cse))
// A sum stays in its order; an extremum has none.
func.func @both(%w: memref<4x64xf32>, %x: memref<64xf32>, %y: memref<4xf32>, %z: memref<f32>) {
  linalg.matvec ins(%w, %x : memref<4x64xf32>, memref<64xf32>) outs(%y : memref<4xf32>)
  linalg.reduce ins(%x : memref<64xf32>) outs(%z : memref<f32>) dimensions = [0]
    (%a: f32, %s: f32) {
      %0 = arith.maximumf %s, %a : f32
      linalg.yield %0 : f32
    }
  return
}
