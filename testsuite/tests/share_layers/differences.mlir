// arg: --spec-share-layers=min-ops=1
// Nothing here is the same twice in a row.
func.func @constants(%x: memref<4xf32>, %y: memref<4xf32>) {
  %a = arith.constant 1.0 : f32
  %b = arith.constant 2.0 : f32
  linalg.fill ins(%a : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%b : f32) outs(%y : memref<4xf32>)
  return
}
func.func @attributes(%x: memref<1x8xf32>, %a: memref<8xf32>, %b: memref<8xf32>) {
  spec.norm rms eps 1.0e-5 ins(%x, %a : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
  spec.norm rms eps 1.0e-6 ins(%x, %b : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
  spec.norm layer eps 1.0e-6 ins(%x, %b : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
  return
}
func.func @strides(%x: memref<4xf32>, %y: memref<8xf32>) {
  %z = arith.constant 1.0 : f32
  %s = memref.subview %y[0] [4] [2] : memref<8xf32> to memref<4xf32, strided<[2]>>
  linalg.fill ins(%z : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%z : f32) outs(%s : memref<4xf32, strided<[2]>>)
  return
}
func.func @sizes(%x: memref<4xf32>, %y: memref<8xf32>) {
  %z = arith.constant 1.0 : f32
  linalg.fill ins(%z : f32) outs(%x : memref<4xf32>)
  linalg.fill ins(%z : f32) outs(%y : memref<8xf32>)
  return
}
// In the first, both operands are one buffer.
func.func @bindings(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.copy ins(%x : memref<4xf32>) outs(%x : memref<4xf32>)
  linalg.copy ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  return
}
// Bodies differ.
func.func @regions(%x: memref<4xf32>) {
  linalg.map ins(%x : memref<4xf32>) outs(%x : memref<4xf32>) (%v: f32, %o: f32) {
    %0 = math.exp %v : f32
    linalg.yield %0 : f32
  }
  linalg.map ins(%x : memref<4xf32>) outs(%x : memref<4xf32>) (%v: f32, %o: f32) {
    %0 = math.sin %v : f32
    linalg.yield %0 : f32
  }
  return
}
// What is read between the layers stays between them: a load is no part of a layer.
func.func @results(%x: memref<f32>, %y: memref<4xf32>) {
  %0 = memref.load %x[] : memref<f32>
  linalg.fill ins(%0 : f32) outs(%y : memref<4xf32>)
  %1 = memref.load %x[] : memref<f32>
  linalg.fill ins(%1 : f32) outs(%y : memref<4xf32>)
  return
}
