// Caches that come back: insertions, a commit, casts, reshapes, loops; and what does not: weights, rows, other results.
func.func @insertions(%w: tensor<4x4xf32>, %k: tensor<8x4xf32>, %v: tensor<8x4xf32>, %row: tensor<1x4xf32>, %p: index) -> (tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x4xf32>) {
  %0 = tensor.insert_slice %row into %k[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %1 = tensor.insert_slice %row into %0[0, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %2 = spec.commit %row into %v at %p : index dim 0 : tensor<1x4xf32> into tensor<8x4xf32>
  %e = tensor.empty() : tensor<1x4xf32>
  %3 = linalg.matmul ins(%row, %w : tensor<1x4xf32>, tensor<4x4xf32>) outs(%e : tensor<1x4xf32>) -> tensor<1x4xf32>
  return %2, %1, %3 : tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x4xf32>
}
// One tensor for all layers, written layer by layer through slices.
func.func @stacked(%all: tensor<2x8x4xf32>, %row: tensor<1x4xf32>, %p: index) -> tensor<2x8x4xf32> {
  %0 = tensor.insert_slice %row into %all[0, %p, 0] [1, 1, 4] [1, 1, 1] : tensor<1x4xf32> into tensor<2x8x4xf32>
  %l = tensor.extract_slice %0[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %m = tensor.insert_slice %row into %l[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %1 = tensor.insert_slice %m into %0[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<8x4xf32> into tensor<2x8x4xf32>
  return %1 : tensor<2x8x4xf32>
}
func.func @shapes(%k: tensor<8x4xf32>, %row: tensor<1x4xf32>) -> (tensor<2x4x4xf32>, tensor<?x4xf32>) {
  %0 = tensor.insert_slice %row into %k[3, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 4, 4] : tensor<8x4xf32> into tensor<2x4x4xf32>
  %2 = tensor.collapse_shape %1 [[0, 1], [2]] : tensor<2x4x4xf32> into tensor<8x4xf32>
  %3 = tensor.cast %2 : tensor<8x4xf32> to tensor<?x4xf32>
  return %1, %3 : tensor<2x4x4xf32>, tensor<?x4xf32>
}
// A result that is the argument itself.
func.func @passed_on(%k: tensor<8x4xf32>, %w: tensor<8x4xf32>) -> tensor<8x4xf32> {
  return %k : tensor<8x4xf32>
}
// A model of one layer: its layer is all of the caches. The row in front is a slice that is not.
func.func @one_layer(%k: tensor<1x2x8x4xf32>, %row: tensor<2x1x4xf32>, %p: index) -> (tensor<1x2x8x4xf32>, tensor<8x4xf32>) {
  %0 = tensor.extract_slice %k[0, 0, 0, 0] [1, 2, 8, 4] [1, 1, 1, 1] : tensor<1x2x8x4xf32> to tensor<2x8x4xf32>
  %1 = tensor.insert_slice %row into %0[0, %p, 0] [2, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %2 = tensor.expand_shape %1 [[0, 1], [2], [3]] output_shape [1, 2, 8, 4] : tensor<2x8x4xf32> into tensor<1x2x8x4xf32>
  %3 = tensor.extract_slice %1[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  return %2, %3 : tensor<1x2x8x4xf32>, tensor<8x4xf32>
}
