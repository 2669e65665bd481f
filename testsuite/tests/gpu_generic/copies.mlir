#t3 = affine_map<(d0, d1, d2) -> (d1, d0, d2)>
#i3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#sc = affine_map<(d0, d1) -> ()>

// Reads that are permuted.
func.func @permuted(%a: memref<3x5x8xf32>, %o: memref<5x3x8xf32>, %m: memref<5x3x8xf32>) -> memref<5x3x8xf32> {
  linalg.generic {indexing_maps = [#t3, #i3, #i3], iterator_types = ["parallel", "parallel", "parallel"]}
    ins(%a, %m : memref<3x5x8xf32>, memref<5x3x8xf32>) outs(%o : memref<5x3x8xf32>) {
  ^bb0(%x: f32, %y: f32, %u: f32):
    %1 = arith.subf %x, %y : f32
    linalg.yield %1 : f32
  }
  return %o : memref<5x3x8xf32>
}

// Transposed, elements of 4, 2, 8 and 1 bytes.
func.func @widetranspose(%a: memref<3x5x8xf32>, %o: memref<5x3x8xf32>, %h: memref<3x5x8xf16>, %p: memref<5x3x8xf16>, %q: memref<3x5x8xi64>, %r: memref<5x3x8xi64>, %e: memref<3x5x8xi8>, %f: memref<5x3x8xi8>) -> (memref<5x3x8xf32>, memref<5x3x8xf16>, memref<5x3x8xi64>, memref<5x3x8xi8>) {
  linalg.transpose ins(%a : memref<3x5x8xf32>) outs(%o : memref<5x3x8xf32>) permutation = [1, 0, 2]
  linalg.transpose ins(%h : memref<3x5x8xf16>) outs(%p : memref<5x3x8xf16>) permutation = [1, 0, 2]
  linalg.transpose ins(%q : memref<3x5x8xi64>) outs(%r : memref<5x3x8xi64>) permutation = [1, 0, 2]
  linalg.transpose ins(%e : memref<3x5x8xi8>) outs(%f : memref<5x3x8xi8>) permutation = [1, 0, 2]
  return %o, %p, %r, %f : memref<5x3x8xf32>, memref<5x3x8xf16>, memref<5x3x8xi64>, memref<5x3x8xi8>
}

// A view of a view, to a view with steps.
func.func @strided(%a: memref<4x6x8xf32>, %o: memref<9x9xf32>) -> memref<9x9xf32> {
  %s = memref.subview %a[1, 1, 2] [3, 4, 1] [1, 1, 1] : memref<4x6x8xf32> to memref<3x4xf32, strided<[48, 8], offset: 58>>
  %d = memref.subview %o[2, 1] [3, 4] [2, 2] : memref<9x9xf32> to memref<3x4xf32, strided<[18, 2], offset: 19>>
  memref.copy %s, %d : memref<3x4xf32, strided<[48, 8], offset: 58>> to memref<3x4xf32, strided<[18, 2], offset: 19>>
  return %o : memref<9x9xf32>
}

// One row to all; two results.
func.func @broadcastrow(%a: memref<1x8xf32>, %p: memref<i32>, %o: memref<5x8xf32>, %e: memref<5x8xi1>) -> (memref<5x8xf32>, memref<5x8xi1>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (0, d1)>, #sc, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a, %p : memref<1x8xf32>, memref<i32>) outs(%o, %e : memref<5x8xf32>, memref<5x8xi1>) {
  ^bb0(%x: f32, %q: i32, %u: f32, %v: i1):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %c = arith.cmpi sge, %j, %q : i32
    %d = arith.ori %c, %v : i1
    %y = arith.select %d, %x, %u : f32
    linalg.yield %y, %d : f32, i1
  }
  return %o, %e : memref<5x8xf32>, memref<5x8xi1>
}

// Copies of whole buffers.
func.func @flat(%a: memref<4x5x7xf32>, %o: memref<4x5x7xf32>, %h: memref<1x1xf32>, %p: memref<1x1xf32>) -> (memref<4x5x7xf32>, memref<1x1xf32>) {
  memref.copy %a, %o : memref<4x5x7xf32> to memref<4x5x7xf32>
  memref.copy %h, %p : memref<1x1xf32> to memref<1x1xf32>
  return %o, %p : memref<4x5x7xf32>, memref<1x1xf32>
}

// A single element.
func.func @zero(%s: memref<f32>, %b: memref<1x1xf32>) -> memref<1x1xf32> {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> ()>, #id], iterator_types = ["parallel", "parallel"]}
    ins(%s : memref<f32>) outs(%b : memref<1x1xf32>) {
  ^bb0(%x: f32, %u: f32):
    linalg.yield %x : f32
  }
  return %b : memref<1x1xf32>
}
