// What attributes say stays; other attributes stay beside the mark; scalars, declarations and functions without tensors get none.
func.func @f(%k: tensor<4xf32> {bufferization.writable = false, spec.bounds = array<i64: 4>}, %w: tensor<4xf32> {bufferization.writable = true}, %x: tensor<4xf32> {spec.bounds = array<i64: 4>}, %p: i64 {llvm.noundef}) -> tensor<4xf32> {
  return %k : tensor<4xf32>
}
func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
func.func @scalars(%p: index) -> index {
  return %p : index
}
func.func @buffers(%m: memref<4xf32>) -> memref<4xf32> {
  return %m : memref<4xf32>
}
func.func @nothing() {
  return
}
