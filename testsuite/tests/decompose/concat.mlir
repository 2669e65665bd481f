// Every dimension, one operand, the same operand twice, nothing in it, in a loop.
func.func @dims(%a: tensor<2x3x4xf32>, %b: tensor<2x1x4xf32>, %c: tensor<2x3x2xi8>, %d: tensor<1x3x4xf32>) -> (tensor<3x3x4xf32>, tensor<2x8x4xf32>, tensor<2x3x4xi8>) {
  %0 = tensor.concat dim(0) %d, %a : (tensor<1x3x4xf32>, tensor<2x3x4xf32>) -> tensor<3x3x4xf32>
  %1 = tensor.concat dim(1) %a, %b, %b, %a : (tensor<2x3x4xf32>, tensor<2x1x4xf32>, tensor<2x1x4xf32>, tensor<2x3x4xf32>) -> tensor<2x8x4xf32>
  %2 = tensor.concat dim(2) %c, %c : (tensor<2x3x2xi8>, tensor<2x3x2xi8>) -> tensor<2x3x4xi8>
  return %0, %1, %2 : tensor<3x3x4xf32>, tensor<2x8x4xf32>, tensor<2x3x4xi8>
}
func.func @few(%a: tensor<2xf32>, %none: tensor<0xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = tensor.concat dim(0) %a : (tensor<2xf32>) -> tensor<2xf32>
  %1 = tensor.concat dim(0) %none, %a : (tensor<0xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}
func.func @nested(%a: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %a) -> tensor<2xf32> {
    %h = tensor.extract_slice %x[0] [1] [1] : tensor<2xf32> to tensor<1xf32>
    %y = tensor.concat dim(0) %h, %h : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
    scf.yield %y : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}
func.func private @declared(tensor<2xf32>) -> tensor<2xf32>
