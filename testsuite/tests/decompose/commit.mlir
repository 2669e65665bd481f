// Positions of every type; the first and an inner dimension.
func.func @f(%r: tensor<1x4xf32>, %c: tensor<8x4xf32>, %k: tensor<2x3x5xf16>, %l: tensor<2x9x5xf16>, %at: index, %i: i32, %j: i64, %t: tensor<i64>, %u: tensor<1xi32>) -> (tensor<8x4xf32>, tensor<2x9x5xf16>) {
  %0 = spec.commit %r into %c at %at : index dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %1 = spec.commit %r into %0 at %i : i32 dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %2 = spec.commit %r into %1 at %j : i64 dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %3 = spec.commit %r into %2 at %t : tensor<i64> dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %4 = spec.commit %k into %l at %u : tensor<1xi32> dim 1 : tensor<2x3x5xf16> into tensor<2x9x5xf16>
  return %3, %4 : tensor<8x4xf32>, tensor<2x9x5xf16>
}
