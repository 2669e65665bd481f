// An entry too few in each list, and entries that are out of range.
func.func @f(%x: memref<64xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<64xf32>) offsets [] lengths [256] access [0]
  return
}
// -----
func.func @f(%x: memref<64xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<64xf32>) offsets [0] lengths [256, 1] access [0]
  return
}
// -----
func.func @f(%x: memref<64xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<64xf32>) offsets [-1] lengths [256] access [0]
  return
}
// -----
func.func @f(%x: memref<64xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<64xf32>) offsets [0] lengths [0] access [0]
  return
}
// -----
func.func @f(%x: memref<64xf32>) {
  spec.launch @kernels::@k groups [1, 1, 1] of [64, 1, 1] (%x : memref<64xf32>) offsets [0] lengths [256] access [3]
  return
}
