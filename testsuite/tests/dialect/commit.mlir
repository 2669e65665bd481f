// One row; several; as many as the cache holds; along an inner dimension; every type of position.
func.func @f(%r1: tensor<1x4xf32>, %r3: tensor<3x4xf32>, %c: tensor<8x4xf32>, %k: tensor<2x3x5xf16>, %l: tensor<2x9x5xf16>, %at: index, %i: i32, %t: tensor<i64>, %u: tensor<1xi64>) -> tensor<8x4xf32> {
  %0 = spec.commit %r1 into %c at %at : index dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %1 = spec.commit %r3 into %0 at %i : i32 dim 0 {note = "three"} : tensor<3x4xf32> into tensor<8x4xf32>
  %2 = spec.commit %1 into %c at %t : tensor<i64> dim 0 : tensor<8x4xf32> into tensor<8x4xf32>
  %3 = spec.commit %k into %l at %u : tensor<1xi64> dim 1 : tensor<2x3x5xf16> into tensor<2x9x5xf16>
  return %2 : tensor<8x4xf32>
}
