// Layers of one shape share their kernels; a group and an op alone do not.
func.func @f(%x: memref<1x64xf32>, %g: memref<64xf32>, %a: memref<64x64xf32>, %b: memref<64x64xf32>, %y: memref<1x64xf32>) {
  %h = memref.alloc() : memref<1x64xf32>
  %i = memref.alloc() : memref<1x64xf32>
  %j = memref.alloc() : memref<1x64xf32>
  spec.kernel {
    spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
    spec.linear out_in dense ins(%h, %a : memref<1x64xf32>, memref<64x64xf32>) outs(%i : memref<1x64xf32>)
  }
  spec.kernel {
    spec.norm rms eps 1.0e-05 ins(%i, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
    spec.linear out_in dense ins(%h, %b : memref<1x64xf32>, memref<64x64xf32>) outs(%j : memref<1x64xf32>)
  }
  spec.linear out_in dense ins(%j, %a : memref<1x64xf32>, memref<64x64xf32>) outs(%i : memref<1x64xf32>)
  spec.linear out_in dense ins(%i, %a : memref<1x64xf32>, memref<64x64xf32>) outs(%y : memref<1x64xf32>)
  return
}
