// Layers, and heads in a layer: the inner loop reads the outer's counter, and its end is a trip's counter.
func.func @triangle(%x: tensor<4x4xi32>) -> tensor<4x4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%a = %x) -> (tensor<4x4xi32>) {
    %s = scf.for %j = %c0 to %i step %c1 iter_args(%b = %a) -> (tensor<4x4xi32>) {
      %v = tensor.extract %b[%j, %i] : tensor<4x4xi32>
      %w = tensor.extract %b[%i, %i] : tensor<4x4xi32>
      %t = arith.addi %v, %w : i32
      %new = tensor.insert %t into %b[%i, %j] : tensor<4x4xi32>
      scf.yield %new : tensor<4x4xi32>
    }
    scf.yield %s : tensor<4x4xi32>
  }
  return %r : tensor<4x4xi32>
}

// In a branch, with a branch.
func.func @branches(%x: tensor<4xi32>, %p: index) -> tensor<4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %positive = arith.cmpi sgt, %p, %c0 : index
  %r = scf.if %positive -> (tensor<4xi32>) {
    %s = scf.for %i = %c0 to %c2 step %c1 iter_args(%a = %x) -> (tensor<4xi32>) {
      %here = arith.cmpi eq, %i, %p : index
      %t = scf.if %here -> (tensor<4xi32>) {
        %v = tensor.extract %a[%i] : tensor<4xi32>
        %d = arith.addi %v, %v : i32
        %new = tensor.insert %d into %a[%c0] : tensor<4xi32>
        scf.yield %new : tensor<4xi32>
      } else {
        scf.yield %a : tensor<4xi32>
      }
      scf.yield %t : tensor<4xi32>
    }
    scf.yield %s : tensor<4xi32>
  } else {
    scf.yield %x : tensor<4xi32>
  }
  return %r : tensor<4xi32>
}
