// The example of the pass's header.
func.func @f(%x: memref<1x64xf32>, %g: memref<64xf32>, %gate: memref<128x64xf32>, %up: memref<128x64xf32>, %y: memref<1x128xf32>) {
  %h = memref.alloc() : memref<1x64xf32>
  %a = memref.alloc() : memref<1x128xf32>
  %b = memref.alloc() : memref<1x128xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
  spec.linear out_in dense ins(%h, %gate : memref<1x64xf32>, memref<128x64xf32>) outs(%a : memref<1x128xf32>)
  spec.linear out_in dense ins(%h, %up : memref<1x64xf32>, memref<128x64xf32>) outs(%b : memref<1x128xf32>)
  spec.activation silu ins(%a : memref<1x128xf32>) gates(%b : memref<1x128xf32>) outs(%y : memref<1x128xf32>)
  return
}
