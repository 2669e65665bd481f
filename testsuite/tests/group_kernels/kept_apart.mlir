// A normalisation that something else reads, a product that two ops read, one whose result the caller sees, an op in between that needs the old contents.
func.func @f(%x: memref<1x64xf32>, %g: memref<64xf32>, %w: memref<64x64xf32>, %seen: memref<1x64xf32>, %y: memref<1x64xf32>, %z: memref<1x64xf32>) {
  %h = memref.alloc() : memref<1x64xf32>
  %a = memref.alloc() : memref<1x64xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
  spec.linear out_in dense ins(%h, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  spec.activation silu ins(%a : memref<1x64xf32>) gates(%h : memref<1x64xf32>) outs(%y : memref<1x64xf32>)
  spec.activation relu ins(%a : memref<1x64xf32>) outs(%z : memref<1x64xf32>)
  spec.linear out_in dense ins(%y, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%seen : memref<1x64xf32>)
  spec.activation relu ins(%seen : memref<1x64xf32>) outs(%z : memref<1x64xf32>)
  return
}
func.func @between(%x: memref<1x64xf32>, %w: memref<64x64xf32>, %y: memref<1x64xf32>, %z: memref<1x64xf32>) {
  %a = memref.alloc() : memref<1x64xf32>
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  memref.copy %z, %x : memref<1x64xf32> to memref<1x64xf32>
  spec.activation relu ins(%a : memref<1x64xf32>) outs(%y : memref<1x64xf32>)
  return
}
