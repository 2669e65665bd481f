// arg: --spec-share-layers=min-ops=2
// a b a b a b c: three of two, not one of six; the tail stays. Of two functions, each has its own.
func.func @tail(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.log ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
// The third layer is bound otherwise: two are shared.
func.func @third(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%y : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.abs ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  return
}
// One op twice is shorter than min-ops.
func.func @short(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  linalg.exp ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
func.func private @declared(memref<4xf32>)
