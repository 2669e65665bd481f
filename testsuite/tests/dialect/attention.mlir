// Both layouts; new rows in the caches or apart; a position or a mask; a softcap; grouped heads; tensors and memrefs.
func.func @tensors(%q: tensor<9x5x64xf32>, %k: tensor<3x256x64xf16>, %v: tensor<3x256x64xf16>, %kn: tensor<3x5x64xf32>, %vn: tensor<3x5x64xf32>, %p: index, %m: tensor<5x256xf32>, %l: tensor<5x261xf32>) -> tensor<9x5x64xf32> {
  %0 = spec.attention head_major scale 0.125 ins(%q, %k, %v : tensor<9x5x64xf32>, tensor<3x256x64xf16>, tensor<3x256x64xf16>) position(%p) outs(%q : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  %1 = spec.attention head_major scale 0.125 softcap 50.0 ins(%0, %k, %v : tensor<9x5x64xf32>, tensor<3x256x64xf16>, tensor<3x256x64xf16>) new(%kn, %vn : tensor<3x5x64xf32>, tensor<3x5x64xf32>) position(%p) outs(%q : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  %2 = spec.attention head_major scale 0.125 ins(%1, %k, %v : tensor<9x5x64xf32>, tensor<3x256x64xf16>, tensor<3x256x64xf16>) mask(%m : tensor<5x256xf32>) outs(%q : tensor<9x5x64xf32>) {note = "masked"} -> tensor<9x5x64xf32>
  %3 = spec.attention head_major scale 0.125 ins(%2, %k, %v : tensor<9x5x64xf32>, tensor<3x256x64xf16>, tensor<3x256x64xf16>) new(%kn, %vn : tensor<3x5x64xf32>, tensor<3x5x64xf32>) mask(%l : tensor<5x261xf32>) outs(%q : tensor<9x5x64xf32>) -> tensor<9x5x64xf32>
  return %3 : tensor<9x5x64xf32>
}
func.func @buffers(%q: memref<4x1x8xf32>, %k: memref<32x2x8xbf16>, %n: memref<1x2x8xf32>, %p: index, %m: memref<1x32xf32, strided<[64, 1]>>) {
  spec.attention token_major scale 1.0 ins(%q, %k, %k : memref<4x1x8xf32>, memref<32x2x8xbf16>, memref<32x2x8xbf16>) new(%n, %n : memref<1x2x8xf32>, memref<1x2x8xf32>) position(%p) outs(%q : memref<4x1x8xf32>)
  spec.attention token_major scale 1.0 ins(%q, %k, %k : memref<4x1x8xf32>, memref<32x2x8xbf16>, memref<32x2x8xbf16>) mask(%m : memref<1x32xf32, strided<[64, 1]>>) outs(%q : memref<4x1x8xf32>)
  return
}
