#id = affine_map<(d0, d1) -> (d0, d1)>
#none = affine_map<(d0, d1) -> ()>

// Angles of a rotation: powers of a constant, times the position of each token.
func.func @angles(%p: memref<i64>, %a: memref<5x32xf32>) -> memref<5x32xf32> {
  %cst_0 = arith.constant 2.000000e+00 : f32
  %cst_1 = arith.constant 6.400000e+01 : f32
  %cst_2 = arith.constant 1.000000e+05 : f32
  linalg.generic {indexing_maps = [#none, #id], iterator_types = ["parallel", "parallel"]}
    ins(%p : memref<i64>) outs(%a : memref<5x32xf32>) {
  ^bb0(%in: i64, %out: f32):
    %4 = linalg.index 1 : index
    %5 = arith.index_cast %4 : index to i64
    %6 = arith.sitofp %5 : i64 to f32
    %7 = arith.mulf %6, %cst_0 : f32
    %9 = arith.negf %7 : f32
    %10 = arith.divf %9, %cst_1 : f32
    %11 = math.powf %cst_2, %10 : f32
    %12 = linalg.index 0 : index
    %13 = arith.index_cast %12 : index to i64
    %14 = arith.addi %13, %in : i64
    %15 = arith.sitofp %14 : i64 to f32
    %16 = arith.mulf %15, %11 : f32
    linalg.yield %16 : f32
  }
  return %a : memref<5x32xf32>
}

// Bits and floats, from a position that is read inside.
func.func @mask(%p: memref<1xi64>, %m: memref<3x40xi1>, %f: memref<3x40xf32>) -> (memref<3x40xi1>, memref<3x40xf32>) {
  %z = arith.constant 0.0 : f32
  %inf = arith.constant 0xFF800000 : f32
  %c0 = arith.constant 0 : index
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    outs(%m, %f : memref<3x40xi1>, memref<3x40xf32>) {
  ^bb0(%o: i1, %q: f32):
    %pos = memref.load %p[%c0] : memref<1xi64>
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %i64 = arith.index_cast %i : index to i64
    %j64 = arith.index_cast %j : index to i64
    %s = arith.addi %i64, %pos : i64
    %c = arith.cmpi sle, %j64, %s : i64
    %v = arith.select %c, %z, %inf : f32
    linalg.yield %c, %v : i1, f32
  }
  return %m, %f : memref<3x40xi1>, memref<3x40xf32>
}

// A position that counts on.
func.func @store(%p: memref<i64>, %o: memref<4xi64>) -> memref<4xi64> {
  %c100 = arith.constant 100 : i64
  %c2 = arith.constant 2 : index
  %0 = memref.load %p[] : memref<i64>
  %1 = arith.addi %0, %c100 : i64
  memref.store %1, %o[%c2] : memref<4xi64>
  return %o : memref<4xi64>
}
