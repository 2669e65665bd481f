// A chain: two places are enough for four buffers. A small one goes into the smallest hole that it fits.
func.func @chain(%x: memref<32xf32>, %y: memref<32xf32>) {
  %a = memref.alloc() : memref<32xf32>
  linalg.copy ins(%x : memref<32xf32>) outs(%a : memref<32xf32>)
  %b = memref.alloc() : memref<32xf32>
  linalg.copy ins(%a : memref<32xf32>) outs(%b : memref<32xf32>)
  %c = memref.alloc() : memref<32xf32>
  linalg.copy ins(%b : memref<32xf32>) outs(%c : memref<32xf32>)
  %d = memref.alloc() : memref<32xf32>
  linalg.copy ins(%c : memref<32xf32>) outs(%d : memref<32xf32>)
  linalg.copy ins(%d : memref<32xf32>) outs(%y : memref<32xf32>)
  return
}
func.func @best_fit(%x: memref<64xf32>, %s: memref<16xf32>) {
  %big = memref.alloc() : memref<64xf32>
  %keep = memref.alloc() : memref<16xf32>
  %small = memref.alloc() : memref<16xf32>
  %last = memref.alloc() : memref<16xf32>
  linalg.copy ins(%x : memref<64xf32>) outs(%big : memref<64xf32>)
  linalg.copy ins(%s : memref<16xf32>) outs(%keep : memref<16xf32>)
  linalg.copy ins(%s : memref<16xf32>) outs(%small : memref<16xf32>)
  linalg.copy ins(%keep : memref<16xf32>) outs(%s : memref<16xf32>)
  linalg.copy ins(%big : memref<64xf32>) outs(%x : memref<64xf32>)
  %next = memref.alloc() : memref<16xf32>
  linalg.copy ins(%s : memref<16xf32>) outs(%next : memref<16xf32>)
  linalg.copy ins(%s : memref<16xf32>) outs(%last : memref<16xf32>)
  linalg.copy ins(%last : memref<16xf32>) outs(%small : memref<16xf32>)
  linalg.copy ins(%next : memref<16xf32>) outs(%small : memref<16xf32>)
  return
}
// Never used; nothing in it; one element; bits; 16-bit floats; freed by somebody.
func.func @sizes(%x: memref<3xi1>, %y: memref<bf16>) {
  %c = arith.constant 0.0 : f32
  %unused = memref.alloc() : memref<1024xf32>
  %empty = memref.alloc() : memref<0x8xf32>
  %bits = memref.alloc() : memref<3xi1>
  %one = memref.alloc() : memref<bf16>
  linalg.fill ins(%c : f32) outs(%empty : memref<0x8xf32>)
  linalg.copy ins(%x : memref<3xi1>) outs(%bits : memref<3xi1>)
  linalg.copy ins(%y : memref<bf16>) outs(%one : memref<bf16>)
  linalg.copy ins(%one : memref<bf16>) outs(%y : memref<bf16>)
  linalg.copy ins(%bits : memref<3xi1>) outs(%x : memref<3xi1>)
  memref.dealloc %bits : memref<3xi1>
  return
}
func.func private @declared(memref<4xf32>) -> memref<4xf32>
func.func @nothing() {
  return
}
