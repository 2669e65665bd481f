// Nothing to do: no scalars, no body.
func.func @f(%x: tensor<4xf32>, %p: tensor<i64>, %m: memref<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func private @g(index) -> index
