// arg: --spec-split-reductions
// arg: --canonicalize
// arg: --cse
// A product of rows with rows, f16 with sums in f32: the loop over rows of the larger input is outside.
func.func @rows(%x: memref<3x64xf16>, %w: memref<40x64xf16>, %y: memref<3x40xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : memref<3x64xf16>, memref<40x64xf16>) outs(%y : memref<3x40xf32>) {
  ^bb0(%a: f16, %b: f16, %s: f32):
    %0 = arith.extf %a : f16 to f32
    %1 = arith.extf %b : f16 to f32
    %2 = arith.mulf %0, %1 : f32
    %3 = arith.addf %2, %s : f32
    linalg.yield %3 : f32
  }
  return
}

// Two reduction dimensions, a constant index, a value from outside and a scalar operand, and a column that is gathered.
func.func @general(%x: memref<5x2x39xf32>, %c: memref<39x5xf32>, %f: f32, %g: f32, %y: memref<2xf32>) {
  %half = arith.constant 0.5 : f32
  linalg.generic {indexing_maps = [affine_map<(b, i, k) -> (i, b, k)>, affine_map<(b, i, k) -> (k, 2)>, affine_map<(b, i, k) -> ()>, affine_map<(b, i, k) -> (b)>],
                  iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x, %c, %g : memref<5x2x39xf32>, memref<39x5xf32>, f32) outs(%y : memref<2xf32>) {
  ^bb0(%a: f32, %b: f32, %h: f32, %s: f32):
    %two = arith.constant 2.0 : f32
    %0 = arith.mulf %a, %f : f32
    %1 = arith.mulf %b, %h fastmath<nnan> : f32
    %2 = arith.addf %0, %1 : f32
    %3 = arith.cmpf ogt, %2, %half : f32
    %4 = arith.select %3, %2, %two : f32
    %5 = arith.addf %s, %4 : f32
    linalg.yield %5 : f32
  }
  return
}
