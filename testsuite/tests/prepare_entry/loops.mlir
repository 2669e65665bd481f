// Caches that loops carry, the second of two for, one loop in another.
func.func @for(%w: tensor<8x4xf32>, %k: tensor<8x4xf32>, %row: tensor<1x4xf32>, %n: index) -> tensor<8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %w, %c = %k) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
    %1 = scf.for %j = %c0 to %n step %c1 iter_args(%d = %c) -> tensor<8x4xf32> {
      %2 = tensor.insert_slice %row into %d[%j, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
      scf.yield %2 : tensor<8x4xf32>
    }
    scf.yield %x, %1 : tensor<8x4xf32>, tensor<8x4xf32>
  }
  return %0#1 : tensor<8x4xf32>
}
// What comes out of a while is what its condition passes on, in that order: %k, not %w.
func.func @while(%w: tensor<8x4xf32>, %k: tensor<8x4xf32>, %row: tensor<1x4xf32>, %n: index) -> tensor<8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:3 = scf.while (%x = %w, %i = %c0, %c = %k) : (tensor<8x4xf32>, index, tensor<8x4xf32>) -> (tensor<8x4xf32>, index, tensor<8x4xf32>) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %c, %i, %x : tensor<8x4xf32>, index, tensor<8x4xf32>
  } do {
  ^bb0(%c: tensor<8x4xf32>, %i: index, %x: tensor<8x4xf32>):
    %1 = tensor.insert_slice %row into %c[%i, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
    %2 = arith.addi %i, %c1 : index
    scf.yield %x, %2, %1 : tensor<8x4xf32>, index, tensor<8x4xf32>
  }
  return %0#0 : tensor<8x4xf32>
}
// Which argument comes out of a branch or a selection is not known: none is written to.
func.func @choice(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>, %d: tensor<4xf32>, %which: i1) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = arith.select %which, %a, %b : tensor<4xf32>
  %1 = scf.if %which -> tensor<4xf32> {
    scf.yield %c : tensor<4xf32>
  } else {
    scf.yield %d : tensor<4xf32>
  }
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}
// What is not an updated form of what came in is copied into it; arguments that change places are copied first.
func.func @carried(%x: tensor<4xf32>, %y: tensor<4xf32>, %k: tensor<8x4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>, tensor<8x4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:4 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y, %c = %k, %j = %c0) -> (tensor<4xf32>, tensor<4xf32>, tensor<8x4xf32>, index) {
    %e = tensor.empty() : tensor<4xf32>
    %s = linalg.add ins(%a, %b : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %m = tensor.insert_slice %s into %c[%i, 0] [1, 4] [1, 1] : tensor<4xf32> into tensor<8x4xf32>
    scf.yield %b, %s, %m, %i : tensor<4xf32>, tensor<4xf32>, tensor<8x4xf32>, index
  }
  %1:2 = scf.while (%a = %0#0, %i = %c0) : (tensor<4xf32>, index) -> (tensor<4xf32>, index) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %a, %i : tensor<4xf32>, index
  } do {
  ^bb0(%a: tensor<4xf32>, %i: index):
    %e = tensor.empty() : tensor<4xf32>
    %s = linalg.exp ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    %next = arith.addi %i, %c1 : index
    scf.yield %s, %next : tensor<4xf32>, index
  }
  return %1#0, %0#1, %0#2 : tensor<4xf32>, tensor<4xf32>, tensor<8x4xf32>
}
// In a while, too; neither argument is handed back in its place.
func.func @swapped(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:3 = scf.while (%a = %x, %b = %y, %i = %c0) : (tensor<4xf32>, tensor<4xf32>, index) -> (tensor<4xf32>, tensor<4xf32>, index) {
    %more = arith.cmpi slt, %i, %n : index
    scf.condition(%more) %a, %b, %i : tensor<4xf32>, tensor<4xf32>, index
  } do {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>, %i: index):
    %next = arith.addi %i, %c1 : index
    scf.yield %b, %a, %next : tensor<4xf32>, tensor<4xf32>, index
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}
