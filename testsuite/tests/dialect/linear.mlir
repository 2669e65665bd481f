// Every layout, format and type; scales a row and a group; biases; strided views; tensors and memrefs.
func.func @dense(%x: tensor<5x64xf32>, %w: tensor<32x64xf16>, %t: tensor<64x32xbf16>, %b: tensor<32xf32>, %o: tensor<5x32xf32>, %h: tensor<5x32xf16>) -> (tensor<5x32xf32>, tensor<5x32xf16>) {
  %0 = spec.linear out_in dense ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf16>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  %1 = spec.linear in_out dense ins(%x, %t : tensor<5x64xf32>, tensor<64x32xbf16>) bias(%b : tensor<32xf32>) outs(%0 : tensor<5x32xf32>) {note = "biased"} -> tensor<5x32xf32>
  %2 = spec.linear out_in dense group 0 activations float ins(%x, %w : tensor<5x64xf32>, tensor<32x64xf16>) outs(%h : tensor<5x32xf16>) -> tensor<5x32xf16>
  return %1, %2 : tensor<5x32xf32>, tensor<5x32xf16>
}
func.func @quantised(%x: tensor<5x64xf32>, %w: tensor<32x64xi8>, %p: tensor<32x32xi8>, %row: tensor<32xf32>, %g: tensor<32x1xf16>, %s: tensor<32x2xf16>, %b: tensor<32xbf16>, %o: tensor<5x32xf32>) -> tensor<5x32xf32> {
  %0 = spec.linear out_in i8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%row : tensor<32xf32>) outs(%o : tensor<5x32xf32>) -> tensor<5x32xf32>
  %1 = spec.linear out_in i8 group 64 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%g : tensor<32x1xf16>) outs(%0 : tensor<5x32xf32>) -> tensor<5x32xf32>
  %2 = spec.linear out_in i8 activations int8 ins(%x, %w : tensor<5x64xf32>, tensor<32x64xi8>) scale(%row : tensor<32xf32>) outs(%1 : tensor<5x32xf32>) -> tensor<5x32xf32>
  %3 = spec.linear out_in i4 group 32 activations int8 ins(%x, %p : tensor<5x64xf32>, tensor<32x32xi8>) scale(%s : tensor<32x2xf16>) bias(%b : tensor<32xbf16>) outs(%2 : tensor<5x32xf32>) -> tensor<5x32xf32>
  return %3 : tensor<5x32xf32>
}
func.func @buffers(%x: memref<1x64xf32, strided<[128, 1], offset: 64>>, %w: memref<32x64xf16>, %b: memref<32xf32>, %o: memref<1x32xf32>) {
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32, strided<[128, 1], offset: 64>>, memref<32x64xf16>) bias(%b : memref<32xf32>) outs(%o : memref<1x32xf32>)
  return
}
