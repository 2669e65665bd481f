// arg: --spec-share-layers=min-ops=1
// Loops with views and constants inside and values from outside: buffers, an index that differs, a global.
memref.global "private" constant @table : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
func.func @f(%x: memref<8xf32>, %k: memref<16xf32>, %n: index, %m: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %g = memref.get_global @table : memref<4xf32>
  %k1 = memref.subview %k[8] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1], offset: 8>>
  %k0 = memref.subview %k[0] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1]>>
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.subview %k0[%i] [4] [1] : memref<8xf32, strided<[1]>> to memref<4xf32, strided<[1], offset: ?>>
    %z = arith.constant 3.0 : f32
    linalg.add ins(%g, %g : memref<4xf32>, memref<4xf32>) outs(%v : memref<4xf32, strided<[1], offset: ?>>)
    memref.store %z, %x[%i] : memref<8xf32>
  }
  scf.for %i = %c0 to %m step %c1 {
    %v = memref.subview %k1[%i] [4] [1] : memref<8xf32, strided<[1], offset: 8>> to memref<4xf32, strided<[1], offset: ?>>
    %z = arith.constant 3.0 : f32
    linalg.add ins(%g, %g : memref<4xf32>, memref<4xf32>) outs(%v : memref<4xf32, strided<[1], offset: ?>>)
    memref.store %z, %x[%i] : memref<8xf32>
  }
  return
}
// The same with views whose offsets are part of types inside: not shared.
func.func @inner_offsets(%k: memref<16xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %z = arith.constant 3.0 : f32
  %k1 = memref.subview %k[8] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1], offset: 8>>
  %k0 = memref.subview %k[0] [8] [1] : memref<16xf32> to memref<8xf32, strided<[1]>>
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.subview %k0[4] [4] [1] : memref<8xf32, strided<[1]>> to memref<4xf32, strided<[1], offset: 4>>
    linalg.fill ins(%z : f32) outs(%v : memref<4xf32, strided<[1], offset: 4>>)
  }
  scf.for %i = %c0 to %n step %c1 {
    %v = memref.subview %k1[4] [4] [1] : memref<8xf32, strided<[1], offset: 8>> to memref<4xf32, strided<[1], offset: 12>>
    linalg.fill ins(%z : f32) outs(%v : memref<4xf32, strided<[1], offset: 12>>)
  }
  return
}
