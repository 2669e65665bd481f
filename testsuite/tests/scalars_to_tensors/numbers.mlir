// An index, an integer, a float, one that nobody reads; tensors stay as they are, and so do results.
func.func @f(%x: tensor<4xf32>, %p: index, %n: i64, %s: f32, %u: i32) -> (tensor<4xf32>, index) {
  %c0 = arith.constant 0 : index
  %i = arith.index_cast %n : i64 to index
  %j = arith.addi %i, %p : index
  %0 = tensor.insert %s into %x[%j] : tensor<4xf32>
  %k = arith.addi %j, %p : index
  return %0, %k : tensor<4xf32>, index
}
