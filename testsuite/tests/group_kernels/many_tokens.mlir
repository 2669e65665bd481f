// Eight rows of 2048 do not fit into workgroup memory: the normalisation stays a dispatch of its own, the products are still one.
func.func @f(%x: memref<8x2048xf32>, %g: memref<2048xf32>, %a: memref<64x2048xf32>, %b: memref<64x2048xf32>, %y: memref<8x64xf32>, %z: memref<8x64xf32>) {
  %h = memref.alloc() : memref<8x2048xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<8x2048xf32>, memref<2048xf32>) outs(%h : memref<8x2048xf32>)
  spec.linear out_in dense ins(%h, %a : memref<8x2048xf32>, memref<64x2048xf32>) outs(%y : memref<8x64xf32>)
  spec.linear out_in dense ins(%h, %b : memref<8x2048xf32>, memref<64x2048xf32>) outs(%z : memref<8x64xf32>)
  return
}
