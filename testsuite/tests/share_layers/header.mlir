// arg: --spec-share-layers=min-ops=1
func.func @f(%x: memref<1x8xf32>, %a: memref<8xf32>, %b: memref<8xf32>) {
  spec.norm rms eps 1.0e-5 ins(%x, %a : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
  spec.norm rms eps 1.0e-5 ins(%x, %b : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
  return
}
