// Two buffers, none, one twice, attributes.
func.func @f(%x: memref<64xf32>, %y: memref<4x?xi8>) {
  spec.launch @kernels::@double groups [1, 2, 3] of [64, 1, 1] (%x, %y : memref<64xf32>, memref<4x?xi8>) offsets [0, 128] lengths [256, 128] access [0, 1]
  spec.launch @kernels::@none groups [1, 1, 1] of [1, 1, 1] () offsets [] lengths [] access []
  spec.launch @kernels::@both groups [65535, 1, 1] of [8, 8, 8] (%x, %x : memref<64xf32>, memref<64xf32>) offsets [0, 128] lengths [128, 128] access [0, 2] {note = "in place"}
  return
}
