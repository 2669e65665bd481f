#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#w = affine_map<(d0, d1) -> (d0 * 2 + d1)>
#k = affine_map<(d0, d1) -> (d1)>
#i3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>

// Sums onto what the output holds.
func.func @sumsq(%a: memref<5x64xf32>, %c: memref<5xf32>) -> memref<5xf32> {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
    ins(%a : memref<5x64xf32>) outs(%c : memref<5xf32>) {
  ^bb0(%x: f32, %out: f32):
    %4 = arith.mulf %x, %x : f32
    %5 = arith.addf %out, %4 : f32
    linalg.yield %5 : f32
  }
  return %c : memref<5xf32>
}

// A value and its index, in one pass.
func.func @argmax(%a: memref<5x7xf32>, %v: memref<5xf32>, %i: memref<5xi64>) -> (memref<5xf32>, memref<5xi64>) {
  linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
    ins(%a : memref<5x7xf32>) outs(%v, %i : memref<5xf32>, memref<5xi64>) {
  ^bb0(%x: f32, %m: f32, %at: i64):
    %4 = linalg.index 1 : index
    %5 = arith.index_cast %4 : index to i64
    %6 = arith.cmpf ogt, %x, %m : f32
    %7 = arith.select %6, %x, %m : f32
    %8 = arith.select %6, %5, %at : i64
    linalg.yield %7, %8 : f32, i64
  }
  return %v, %i : memref<5xf32>, memref<5xi64>
}

// Windows that overlap.
func.func @window(%a: memref<11xf32>, %k: memref<3xf32>, %o: memref<5xf32>) -> memref<5xf32> {
  linalg.generic {indexing_maps = [#w, #k, #row], iterator_types = ["parallel", "reduction"]}
    ins(%a, %k : memref<11xf32>, memref<3xf32>) outs(%o : memref<5xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %v = arith.mulf %x, %y : f32
    %s = arith.addf %out, %v : f32
    linalg.yield %s : f32
  }
  return %o : memref<5xf32>
}

// Everything to one; over the first and the last dimension.
func.func @fullreduce(%a: memref<6x7x8xf32>, %s: memref<f32>, %m: memref<7xf32>) -> (memref<f32>, memref<7xf32>) {
  linalg.generic {indexing_maps = [#i3, affine_map<(d0, d1, d2) -> ()>], iterator_types = ["reduction", "reduction", "reduction"]}
    ins(%a : memref<6x7x8xf32>) outs(%s : memref<f32>) {
  ^bb0(%x: f32, %u: f32):
    %1 = arith.addf %x, %u : f32
    linalg.yield %1 : f32
  }
  linalg.reduce { arith.maximumf } ins(%a : memref<6x7x8xf32>) outs(%m : memref<7xf32>) dimensions = [0, 2]
  return %s, %m : memref<f32>, memref<7xf32>
}

// A sum that knows where it is.
func.func @indexreduce(%a: memref<6x7xf32>, %m: memref<6xf32>) -> memref<6xf32> {
  linalg.generic {indexing_maps = [#id, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"]}
    ins(%a : memref<6x7xf32>) outs(%m : memref<6xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i32
    %k = linalg.index 0 : index
    %l = arith.index_cast %k : index to i32
    %n = arith.muli %j, %l : i32
    %f = arith.sitofp %n : i32 to f32
    %p = arith.mulf %f, %x : f32
    %1 = arith.addf %p, %u : f32
    linalg.yield %1 : f32
  }
  return %m : memref<6xf32>
}
