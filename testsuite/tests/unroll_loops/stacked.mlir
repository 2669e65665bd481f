// The weights of all layers in one argument: a slice a trip, at a fixed place.
func.func @layers(%x: tensor<1x8xf32>, %stack: tensor<3x8x8xf32>) -> tensor<1x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant 0.0 : f32
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<1x8xf32>) {
    %w = tensor.extract_slice %stack[%i, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<3x8x8xf32> to tensor<8x8xf32>
    %e = tensor.empty() : tensor<1x8xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
    %p = linalg.matmul ins(%a, %w : tensor<1x8xf32>, tensor<8x8xf32>) outs(%z : tensor<1x8xf32>) -> tensor<1x8xf32>
    %y = linalg.add ins(%p, %a : tensor<1x8xf32>, tensor<1x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
    scf.yield %y : tensor<1x8xf32>
  }
  return %r : tensor<1x8xf32>
}

// A row of each layer goes into a cache at a run-time position.
func.func @caches(%row: tensor<1x1x4xf32>, %cache: tensor<2x8x4xf32>, %p: index) -> tensor<2x8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%c = %cache) -> (tensor<2x8x4xf32>) {
    %new = tensor.insert_slice %row into %c[%i, %p, 0] [1, 1, 4] [1, 1, 1] : tensor<1x1x4xf32> into tensor<2x8x4xf32>
    scf.yield %new : tensor<2x8x4xf32>
  }
  return %r : tensor<2x8x4xf32>
}
