// Two caches of one length share a check; a table of another length has its own.
func.func @two_caches(%row: tensor<2x1x4xf32>, %k: tensor<2x8x4xf32>, %v: tensor<2x8x4xf32>, %table: tensor<6x4xf32>, %at: tensor<i64>)
    -> (tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<1x4xf32>) {
  %p = tensor.extract %at[] : tensor<i64>
  %i = arith.index_cast %p : i64 to index
  %0 = tensor.insert_slice %row into %k[0, %i, 0] [2, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %1 = tensor.insert_slice %row into %v[0, %i, 0] [2, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> into tensor<2x8x4xf32>
  %2 = tensor.extract_slice %table[%i, 0] [1, 4] [1, 1] : tensor<6x4xf32> to tensor<1x4xf32>
  return %0, %1, %2 : tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<1x4xf32>
}

// Strides count: rows p, p + 3 and p + 6 of 8.
func.func @strided(%rows: tensor<3x4xf32>, %k: tensor<8x4xf32>, %p: index) -> tensor<8x4xf32> {
  %0 = tensor.insert_slice %rows into %k[%p, 0] [3, 4] [3, 1] : tensor<3x4xf32> into tensor<8x4xf32>
  return %0 : tensor<8x4xf32>
}

// The layer of a loop is the loop's; the position in it is not.
func.func @in_a_loop(%row: tensor<1x1x4xf32>, %k: tensor<3x8x4xf32>, %p: index) -> tensor<3x8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %0 = scf.for %l = %c0 to %c3 step %c1 iter_args(%c = %k) -> (tensor<3x8x4xf32>) {
    %1 = tensor.insert_slice %row into %c[%l, %p, 0] [1, 1, 4] [1, 1, 1] : tensor<1x1x4xf32> into tensor<3x8x4xf32>
    scf.yield %1 : tensor<3x8x4xf32>
  }
  return %0 : tensor<3x8x4xf32>
}

// Known sizes only.
func.func @dynamic(%row: tensor<?x4xf32>, %k: tensor<?x4xf32>, %p: index, %n: index) -> tensor<?x4xf32> {
  %0 = tensor.insert_slice %row into %k[%p, 0] [%n, 4] [1, 1] : tensor<?x4xf32> into tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
