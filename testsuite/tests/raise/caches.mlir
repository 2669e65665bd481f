// Caches. A row select, one in the wrong order, layers put together again and swapped, layers stacked by a loop.
#id = affine_map<(t, d) -> (t, d)>

func.func @select(%cache: tensor<8x4xf32>, %new: tensor<2x4xf32>, %p: index) -> tensor<8x4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %0 = tensor.empty() : tensor<8x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%cache : tensor<8x4xf32>) outs(%0 : tensor<8x4xf32>) {
  ^bb0(%old: f32, %out: f32):
    %t = linalg.index 0 : index
    %d = linalg.index 1 : index
    %r = arith.subi %t, %p : index
    %a = arith.maxsi %r, %zero : index
    %b = arith.minsi %a, %one : index
    %in = arith.cmpi eq, %r, %b : index
    %x = tensor.extract %new[%b, %d] : tensor<2x4xf32>
    %y = arith.select %in, %x, %old : f32
    linalg.yield %y : f32
  } -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// the rows are written in the wrong order
func.func @reversed(%cache: tensor<8x4xf32>, %new: tensor<2x4xf32>, %p: index) -> tensor<8x4xf32> {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %0 = tensor.empty() : tensor<8x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%cache : tensor<8x4xf32>) outs(%0 : tensor<8x4xf32>) {
  ^bb0(%old: f32, %out: f32):
    %t = linalg.index 0 : index
    %d = linalg.index 1 : index
    %r = arith.subi %t, %p : index
    %a = arith.maxsi %r, %zero : index
    %b = arith.minsi %a, %one : index
    %in = arith.cmpi eq, %r, %b : index
    %c = arith.subi %one, %b : index
    %x = tensor.extract %new[%c, %d] : tensor<2x4xf32>
    %y = arith.select %in, %x, %old : f32
    linalg.yield %y : f32
  } -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

func.func @layers(%cache: tensor<2x8x4xf32>, %a: tensor<1x4xf32>, %b: tensor<1x4xf32>, %p: index) -> (tensor<2x8x4xf32>, tensor<8x4xf32>) {
  %0 = tensor.extract_slice %cache[0, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %1 = tensor.insert_slice %a into %0[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %2 = tensor.extract_slice %cache[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %3 = tensor.insert_slice %b into %2[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %4 = tensor.concat dim(0) %1, %3 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<16x4xf32>
  %5 = tensor.expand_shape %4 [[0, 1], [2]] output_shape [2, 8, 4] : tensor<16x4xf32> into tensor<2x8x4xf32>
  return %5, %3 : tensor<2x8x4xf32>, tensor<8x4xf32>
}

// the layers change places: nothing can be done in place
func.func @swapped(%cache: tensor<2x8x4xf32>, %a: tensor<1x4xf32>, %b: tensor<1x4xf32>, %p: index) -> tensor<2x8x4xf32> {
  %0 = tensor.extract_slice %cache[0, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %1 = tensor.insert_slice %a into %0[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %2 = tensor.extract_slice %cache[1, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<2x8x4xf32> to tensor<8x4xf32>
  %3 = tensor.insert_slice %b into %2[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
  %4 = tensor.concat dim(0) %3, %1 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<16x4xf32>
  %5 = tensor.expand_shape %4 [[0, 1], [2]] output_shape [2, 8, 4] : tensor<16x4xf32> into tensor<2x8x4xf32>
  return %5 : tensor<2x8x4xf32>
}

func.func @loop(%cache: tensor<3x8x4xf32>, %rows: tensor<3x1x4xf32>, %p: index) -> tensor<3x8x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<3x8x4xf32>
  %0 = scf.for %i = %c0 to %c3 step %c1 iter_args(%all = %e) -> (tensor<3x8x4xf32>) {
    %a = arith.maxsi %i, %c0 : index
    %l = arith.minsi %a, %c2 : index
    %1 = tensor.extract_slice %rows[%l, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<3x1x4xf32> to tensor<1x4xf32>
    %2 = tensor.extract_slice %cache[%l, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<3x8x4xf32> to tensor<8x4xf32>
    %3 = tensor.insert_slice %1 into %2[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
    %4 = tensor.insert_slice %3 into %all[%l, 0, 0] [1, 8, 4] [1, 1, 1] : tensor<8x4xf32> into tensor<3x8x4xf32>
    scf.yield %4 : tensor<3x8x4xf32>
  }
  return %0 : tensor<3x8x4xf32>
}
