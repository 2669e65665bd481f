// A value, a view.
func.func @f(%x: memref<2x64xf32>) {
  spec.kernel {
    %0 = arith.constant 1.0 : f32
  }
  return
}
// -----
func.func @f(%x: memref<2x64xf32>, %y: memref<1x64xf32>) {
  spec.kernel {
    %0 = memref.subview %x[0, 0] [1, 64] [1, 1] : memref<2x64xf32> to memref<1x64xf32, strided<[64, 1]>>
    memref.copy %0, %y : memref<1x64xf32, strided<[64, 1]>> to memref<1x64xf32>
  }
  return
}
