// Several ops, one op, attributes, ops with regions of their own.
func.func @f(%x: memref<2x64xf32>, %g: memref<64xf32>, %w: memref<32x64xf32>, %h: memref<2x64xf32>, %y: memref<2x32xf32>) {
  spec.kernel {
    spec.norm rms eps 1.0e-05 ins(%x, %g : memref<2x64xf32>, memref<64xf32>) outs(%h : memref<2x64xf32>)
    spec.linear out_in dense ins(%h, %w : memref<2x64xf32>, memref<32x64xf32>) outs(%y : memref<2x32xf32>)
  }
  spec.kernel {
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<2x64xf32>) outs(%h : memref<2x64xf32>) {
    ^bb0(%a: f32, %b: f32):
      %0 = arith.addf %a, %b : f32
      linalg.yield %0 : f32
    }
  } {note = "one"}
  return
}
