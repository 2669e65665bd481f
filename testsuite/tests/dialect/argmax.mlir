// Both types of ids, every float, tensors and memrefs.
func.func @tensors(%x: tensor<5x512xf32>, %h: tensor<1x512xf16>, %i: tensor<5xi64>, %j: tensor<1xi32>) -> (tensor<5xi64>, tensor<1xi32>) {
  %0 = spec.argmax ins(%x : tensor<5x512xf32>) outs(%i : tensor<5xi64>) -> tensor<5xi64>
  %1 = spec.argmax ins(%h : tensor<1x512xf16>) outs(%j : tensor<1xi32>) {note = "half"} -> tensor<1xi32>
  return %0, %1 : tensor<5xi64>, tensor<1xi32>
}
func.func @buffers(%x: memref<2x512xbf16, strided<[1024, 1]>>, %i: memref<2xi32>) {
  spec.argmax ins(%x : memref<2x512xbf16, strided<[1024, 1]>>) outs(%i : memref<2xi32>)
  return
}
