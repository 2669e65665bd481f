#id = affine_map<(d0, d1) -> (d0, d1)>
#t = affine_map<(d0, d1) -> (d1, d0)>

// f32 to f16.
func.func @cos16(%a: memref<5x32xf32>, %b: memref<5x32xf16>) -> memref<5x32xf16> {
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a : memref<5x32xf32>) outs(%b : memref<5x32xf16>) {
  ^bb0(%in: f32, %out: f16):
    %4 = math.cos %in : f32
    %5 = arith.truncf %4 : f32 to f16
    linalg.yield %5 : f16
  }
  return %b : memref<5x32xf16>
}

// Sums of f16, rounded.
func.func @add16(%a: memref<5x64xf16>, %b: memref<5x64xf16>, %c: memref<5x64xf16>) -> memref<5x64xf16> {
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a, %b : memref<5x64xf16>, memref<5x64xf16>) outs(%c : memref<5x64xf16>) {
  ^bb0(%x: f16, %y: f16, %out: f16):
    %5 = arith.addf %x, %y : f16
    linalg.yield %5 : f16
  }
  return %c : memref<5x64xf16>
}

// Rounded in between, and sums of f16.
func.func @f16chain(%a: memref<5x8xf16>, %o: memref<5x8xf16>, %r: memref<5xf16>) -> (memref<5x8xf16>, memref<5xf16>) {
  %c = arith.constant 1.1 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
    ins(%a : memref<5x8xf16>) outs(%o : memref<5x8xf16>) {
  ^bb0(%x: f16, %u: f16):
    %0 = arith.extf %x : f16 to f32
    %1 = arith.mulf %0, %c : f32
    %2 = arith.truncf %1 : f32 to f16
    %3 = arith.mulf %2, %x : f16
    linalg.yield %3 : f16
  }
  linalg.reduce { arith.addf } ins(%a : memref<5x8xf16>) outs(%r : memref<5xf16>) dimensions = [1]
  return %o, %r : memref<5x8xf16>, memref<5xf16>
}

// Chosen by bits, and transposed.
func.func @usemask(%m: memref<3x40xi1>, %f: memref<3x40xf16>, %o: memref<40x3xf16>) -> memref<40x3xf16> {
  %inf = arith.constant 0xFC00 : f16
  linalg.generic {indexing_maps = [#id, #id, #t], iterator_types = ["parallel", "parallel"]}
    ins(%m, %f : memref<3x40xi1>, memref<3x40xf16>) outs(%o : memref<40x3xf16>) {
  ^bb0(%c: i1, %x: f16, %out: f16):
    %v = arith.select %c, %x, %inf : f16
    linalg.yield %v : f16
  }
  return %o : memref<40x3xf16>
}
