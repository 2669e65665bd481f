// Normalisation, gate, up and activation are one kernel, the product after them with its residual another. The order of gate and up does not matter.
func.func @f(%x: memref<2x64xf32>, %g: memref<64xf32>, %gate: memref<128x64xf32>, %up: memref<128x64xf32>, %down: memref<64x128xf32>, %y: memref<2x64xf32>) {
  %h = memref.alloc() : memref<2x64xf32>
  %a = memref.alloc() : memref<2x128xf32>
  %b = memref.alloc() : memref<2x128xf32>
  %c = memref.alloc() : memref<2x128xf32>
  %d = memref.alloc() : memref<2x64xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<2x64xf32>, memref<64xf32>) outs(%h : memref<2x64xf32>)
  spec.linear out_in dense ins(%h, %up : memref<2x64xf32>, memref<128x64xf32>) outs(%b : memref<2x128xf32>)
  spec.linear out_in dense ins(%h, %gate : memref<2x64xf32>, memref<128x64xf32>) outs(%a : memref<2x128xf32>)
  spec.activation silu ins(%a : memref<2x128xf32>) gates(%b : memref<2x128xf32>) outs(%c : memref<2x128xf32>)
  spec.linear out_in dense ins(%c, %down : memref<2x128xf32>, memref<64x128xf32>) outs(%d : memref<2x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
    ins(%x, %d : memref<2x64xf32>, memref<2x64xf32>) outs(%y : memref<2x64xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  }
  return
}
