// arg: --spec-group-kernels=invocations=256 shared-bytes=16384 bindings=4
// Four buffers are not enough for three products: x, and weight and result of each.
func.func @f(%x: memref<1x64xf32>, %w: memref<64x64xf32>, %a: memref<1x64xf32>, %b: memref<1x64xf32>, %c: memref<1x64xf32>) {
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%b : memref<1x64xf32>)
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%c : memref<1x64xf32>)
  return
}
