// arg: --spec-lower-kernels=arch=x86_64 vector-bits=256 vector-registers=16 parallel-bytes=0
// One op of each kind: operands in the order of the kernel's slots, the status for an embedding, the position as a number.
func.func @f(%ids: memref<5xi64>, %table: memref<512x64xf16>, %x: memref<5x64xf32>, %w: memref<32x64xi8>, %s: memref<32xf32>, %b: memref<32xf32>, %n: memref<64xf32>, %y: memref<5x32xf32>, %out: memref<5xi64>, %p: index) {
  spec.embedding dense ins(%ids, %table : memref<5xi64>, memref<512x64xf16>) outs(%x : memref<5x64xf32>)
  spec.norm rms eps 1.0e-5 ins(%x, %n : memref<5x64xf32>, memref<64xf32>) outs(%x : memref<5x64xf32>)
  spec.linear out_in i8 ins(%x, %w : memref<5x64xf32>, memref<32x64xi8>) scale(%s : memref<32xf32>) bias(%b : memref<32xf32>) outs(%y : memref<5x32xf32>)
  %gate = memref.subview %y[0, 0] [5, 16] [1, 1] : memref<5x32xf32> to memref<5x16xf32, strided<[32, 1]>>
  %up = memref.subview %y[0, 16] [5, 16] [1, 1] : memref<5x32xf32> to memref<5x16xf32, strided<[32, 1], offset: 16>>
  spec.activation silu ins(%gate : memref<5x16xf32, strided<[32, 1]>>) gates(%up : memref<5x16xf32, strided<[32, 1], offset: 16>>) outs(%gate : memref<5x16xf32, strided<[32, 1]>>)
  linalg.softmax dimension(1) ins(%y : memref<5x32xf32>) outs(%y : memref<5x32xf32>)
  spec.argmax ins(%x : memref<5x64xf32>) outs(%out : memref<5xi64>)
  return
}
func.func @heads(%q: memref<4x1x32xf32>, %k: memref<2x64x32xf16>, %c: memref<1x16xf32>, %p: index) {
  spec.rope half token_dim 1 ins(%q, %c, %c : memref<4x1x32xf32>, memref<1x16xf32>, memref<1x16xf32>) outs(%q : memref<4x1x32xf32>)
  spec.attention head_major scale 0.125 ins(%q, %k, %k : memref<4x1x32xf32>, memref<2x64x32xf16>, memref<2x64x32xf16>) position(%p) outs(%q : memref<4x1x32xf32>)
  return
}
// Again: the kernel is there already. In a loop: the slots are allocated once.
func.func @again(%x: memref<5x64xf32>, %n: memref<64xf32>, %trips: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %trips step %c1 {
    spec.norm rms eps 1.0e-5 ins(%x, %n : memref<5x64xf32>, memref<64xf32>) outs(%x : memref<5x64xf32>)
  }
  return
}
