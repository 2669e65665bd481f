// Dense and quantised tables, both types of ids, tensors and memrefs.
func.func @tensors(%i: tensor<5xi64>, %j: tensor<5xi32>, %t: tensor<512x64xf16>, %q: tensor<512x64xi8>, %p: tensor<512x32xi8>, %r: tensor<512xf32>, %s: tensor<512x2xf16>, %o: tensor<5x64xf32>) -> (tensor<5x64xf32>, tensor<5x64xf32>, tensor<5x64xf32>, tensor<5x64xf32>) {
  %0 = spec.embedding dense ins(%i, %t : tensor<5xi64>, tensor<512x64xf16>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  %1 = spec.embedding i8 ins(%j, %q : tensor<5xi32>, tensor<512x64xi8>) scale(%r : tensor<512xf32>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  %2 = spec.embedding i8 group 32 ins(%i, %q : tensor<5xi64>, tensor<512x64xi8>) scale(%s : tensor<512x2xf16>) outs(%o : tensor<5x64xf32>) -> tensor<5x64xf32>
  %3 = spec.embedding i4 group 32 ins(%i, %p : tensor<5xi64>, tensor<512x32xi8>) scale(%s : tensor<512x2xf16>) outs(%o : tensor<5x64xf32>) {note = "packed"} -> tensor<5x64xf32>
  return %0, %1, %2, %3 : tensor<5x64xf32>, tensor<5x64xf32>, tensor<5x64xf32>, tensor<5x64xf32>
}
func.func @buffers(%i: memref<1xi32>, %t: memref<512x64xbf16>, %o: memref<1x64xf16>) {
  spec.embedding dense ins(%i, %t : memref<1xi32>, memref<512x64xbf16>) outs(%o : memref<1x64xf16>)
  return
}
