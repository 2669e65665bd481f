// arg: --spec-share-layers=min-ops=1
// Names that functions and other symbols have already.
func.func private @f_layer()
memref.global "private" constant @f_layer_1 : memref<2xf32> = dense<0.0>
func.func @f(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
