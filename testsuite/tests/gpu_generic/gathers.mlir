#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// Rows by number, from inside.
func.func @gather(%ids: memref<3xi64>, %table: memref<10x8xf16>, %o: memref<3x8xf32>) -> memref<3x8xf32> {
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
    ins(%ids : memref<3xi64>) outs(%o : memref<3x8xf32>) {
  ^bb0(%id: i64, %out: f32):
    %r = arith.index_cast %id : i64 to index
    %c = linalg.index 1 : index
    %x = memref.load %table[%r, %c] : memref<10x8xf16>
    %y = arith.extf %x : f16 to f32
    linalg.yield %y : f32
  }
  return %o : memref<3x8xf32>
}

// Rows by number, added up.
func.func @gatherreduce(%ids: memref<4x3xi32>, %t: memref<10x6xf32>, %o: memref<4x6xf32>) -> memref<4x6xf32> {
  %c0 = arith.constant 0 : i32
  %c9 = arith.constant 9 : i32
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>], iterator_types = ["parallel", "parallel", "reduction"]}
    ins(%ids : memref<4x3xi32>) outs(%o : memref<4x6xf32>) {
  ^bb0(%id: i32, %u: f32):
    %a = arith.maxsi %id, %c0 : i32
    %b = arith.minsi %a, %c9 : i32
    %r = arith.index_cast %b : i32 to index
    %c = linalg.index 1 : index
    %x = memref.load %t[%r, %c] : memref<10x6xf32>
    %1 = arith.addf %x, %u : f32
    linalg.yield %1 : f32
  }
  return %o : memref<4x6xf32>
}
