// The example of the pass's header.
func.func @f(%x: memref<1x64xf32>, %w: memref<32x64xf32>, %y: memref<1x32xf32>) {
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<32x64xf32>) outs(%y : memref<1x32xf32>)
  return
}
