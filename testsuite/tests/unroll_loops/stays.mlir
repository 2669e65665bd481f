// A bound that is known at run time only; the constant loop in it is written out.
func.func @dynamic(%x: tensor<4xi32>, %n: index) -> tensor<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<4xi32>) {
    %s = scf.for %j = %c0 to %c2 step %c1 iter_args(%b = %a) -> (tensor<4xi32>) {
      %v = tensor.extract %b[%j] : tensor<4xi32>
      %d = arith.addi %v, %v : i32
      %new = tensor.insert %d into %b[%j] : tensor<4xi32>
      scf.yield %new : tensor<4xi32>
    }
    scf.yield %s : tensor<4xi32>
  }
  return %r : tensor<4xi32>
}

// More trips than are written out.
func.func @long(%x: tensor<4xi32>) -> tensor<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4097 = arith.constant 4097 : index
  %r = scf.for %i = %c0 to %c4097 step %c1 iter_args(%a = %x) -> (tensor<4xi32>) {
    %v = tensor.extract %a[%c1] : tensor<4xi32>
    %k = arith.index_cast %i : index to i32
    %d = arith.addi %v, %k : i32
    %new = tensor.insert %d into %a[%c1] : tensor<4xi32>
    scf.yield %new : tensor<4xi32>
  }
  return %r : tensor<4xi32>
}
