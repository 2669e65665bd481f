// Nobody reads what these write; a bad token id is an error still.
func.func @unread(%x: memref<3x8xf32>, %w: memref<8xf32>, %ids: memref<3xi64>, %table: memref<16x8xf32>) -> memref<3x8xf32> {
  %zero = arith.constant 0.0 : f32
  %a = memref.alloc() : memref<3x8xf32>
  spec.norm rms eps 1.0e-5 ins(%x, %w : memref<3x8xf32>, memref<8xf32>) outs(%a : memref<3x8xf32>)
  %b = memref.alloc() : memref<8x3xf32>
  linalg.transpose ins(%a : memref<3x8xf32>) outs(%b : memref<8x3xf32>) permutation = [1, 0]
  %c = memref.alloc() : memref<2x3xf32>
  %part = memref.subview %c[1, 0] [1, 3] [1, 1] : memref<2x3xf32> to memref<3xf32, strided<[1], offset: 3>>
  linalg.fill ins(%zero : f32) outs(%part : memref<3xf32, strided<[1], offset: 3>>)
  %d = memref.alloc() : memref<3x8xf32>
  spec.embedding dense ins(%ids, %table : memref<3xi64>, memref<16x8xf32>) outs(%d : memref<3x8xf32>)
  linalg.add ins(%x, %x : memref<3x8xf32>, memref<3x8xf32>) outs(%x : memref<3x8xf32>)
  return %x : memref<3x8xf32>
}
