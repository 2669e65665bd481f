// Steps of 3 from -2: -2, 1, 4; the counter is 32 bits wide.
func.func @steps(%x: tensor<8xi32>) -> tensor<8xi32> {
  %from = arith.constant -2 : i32
  %to = arith.constant 5 : i32
  %step = arith.constant 3 : i32
  %r = scf.for %i = %from to %to step %step iter_args(%a = %x) -> (tensor<8xi32>) : i32 {
    %e = tensor.empty() : tensor<8xi32>
    %two = arith.constant 2 : i32
    %twice = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%a : tensor<8xi32>) outs(%e : tensor<8xi32>) {
    ^bb0(%v: i32, %u: i32):
      %0 = arith.muli %v, %two : i32
      %1 = arith.addi %0, %i : i32
      linalg.yield %1 : i32
    } -> tensor<8xi32>
    scf.yield %twice : tensor<8xi32>
  }
  return %r : tensor<8xi32>
}

// Rows 1, 3 and 5 of 6; 6 is the end.
func.func @odd_rows(%x: tensor<6x4xf32>, %o: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c6 = arith.constant 6 : index
  %r = scf.for %i = %c1 to %c6 step %c2 iter_args(%a = %o) -> (tensor<3x4xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 4] [1, 1] : tensor<6x4xf32> to tensor<1x4xf32>
    %at = arith.divui %i, %c2 : index
    %new = tensor.insert_slice %row into %a[%at, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<3x4xf32>
    scf.yield %new : tensor<3x4xf32>
  }
  return %r : tensor<3x4xf32>
}
