// Rows are inserted at the position, whatever form it has.
func.func @forms(%rows: tensor<2x1x4xf32>, %cache: tensor<2x8x4xf32>, %a: index, %b: i32, %c: tensor<i64>, %d: tensor<1x1xi64>) -> tensor<2x8x4xf32> {
  %0 = spec.commit %rows into %cache at %a : index dim 1 : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %1 = spec.commit %rows into %0 at %b : i32 dim 1 : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %2 = spec.commit %rows into %1 at %c : tensor<i64> dim 1 : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %3 = spec.commit %rows into %2 at %d : tensor<1x1xi64> dim 1 : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  return %3 : tensor<2x8x4xf32>
}
