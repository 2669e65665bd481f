// Bytes and integers, of all kinds.
func.func @ints(%a: memref<70xi8>, %b: memref<70xi32>, %o: memref<70xi8>, %q: memref<70xf32>) -> (memref<70xi8>, memref<70xf32>) {
  %c3 = arith.constant 3 : i32
  %c5 = arith.constant 5 : i8
  linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
    ins(%a, %b : memref<70xi8>, memref<70xi32>) outs(%o, %q : memref<70xi8>, memref<70xf32>) {
  ^bb0(%x: i8, %y: i32, %u: i8, %v: f32):
    %0 = arith.addi %x, %c5 : i8
    %1 = arith.extui %0 : i8 to i32
    %2 = arith.floordivsi %y, %c3 : i32
    %3 = arith.ceildivsi %y, %c3 : i32
    %4 = arith.muli %2, %3 : i32
    %5 = arith.addi %4, %1 : i32
    %6 = arith.cmpi slt, %5, %y : i32
    %7 = arith.uitofp %6 : i1 to f32
    %8 = arith.bitcast %5 : i32 to f32
    %9 = math.isnan %8 : f32
    %10 = arith.cmpi ult, %9, %6 : i1
    %11 = arith.select %10, %7, %8 : f32
    %12 = arith.fptosi %11 : f32 to i8
    linalg.yield %12, %11 : i8, f32
  }
  return %o, %q : memref<70xi8>, memref<70xf32>
}
