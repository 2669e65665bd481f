// Strides.
func.func @f(%x: memref<4x64xf32, strided<[128, 1]>>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<4x64xf32, strided<[128, 1]>>) offsets [0] lengths [256] access [0]
  return
}
