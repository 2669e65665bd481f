// Two functions without a model: y = x w^T, and a cache that is updated in place.
func.func @"apply it"(%x: tensor<2x64xf32>, %w: tensor<32x64xf32>) -> tensor<2x32xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<64x32xf32>
  %t = linalg.transpose ins(%w : tensor<32x64xf32>) outs(%e : tensor<64x32xf32>) permutation = [1, 0]
  %0 = tensor.empty() : tensor<2x32xf32>
  %1 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2x32xf32>) -> tensor<2x32xf32>
  %y = linalg.matmul ins(%x, %t : tensor<2x64xf32>, tensor<64x32xf32>) outs(%1 : tensor<2x32xf32>) -> tensor<2x32xf32>
  return %y : tensor<2x32xf32>
}

func.func @store(%row: tensor<1x4xf32>, %cache: tensor<8x4xf32>, %position: index) -> (tensor<8x4xf32>, tensor<i1>) {
  %new = tensor.insert_slice %row into %cache[%position, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %last = arith.constant 7 : index
  %is_last = arith.cmpi eq, %position, %last : index
  %flag = tensor.from_elements %is_last : tensor<i1>
  return %new, %flag : tensor<8x4xf32>, tensor<i1>
}
