// Rotations, of interleaved pairs by strided slices, of halves by a select; the last one turns the other way, and stays.
#id = affine_map<(h, m, d) -> (h, m, d)>
#table = affine_map<(h, m, d) -> (m, d)>

func.func @halves(%x: tensor<3x2x8xf32>, %cos: tensor<3x4xf32>, %sin: tensor<3x4xf32>) -> tensor<3x2x8xf32> {
  %four = arith.constant 4 : index
  %eight = arith.constant 8 : index
  %0 = tensor.empty() : tensor<3x2x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<3x2x8xf32>) outs(%0 : tensor<3x2x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %m = linalg.index 0 : index
    %h = linalg.index 1 : index
    %d = linalg.index 2 : index
    %n = arith.addi %d, %four : index
    %o = arith.remui %n, %eight : index
    %i = arith.remui %d, %four : index
    %b = tensor.extract %x[%m, %h, %o] : tensor<3x2x8xf32>
    %c = tensor.extract %cos[%m, %i] : tensor<3x4xf32>
    %s = tensor.extract %sin[%m, %i] : tensor<3x4xf32>
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %s, %b : f32
    %minus = arith.subf %ac, %bs : f32
    %plus = arith.addf %ac, %bs : f32
    %first = arith.cmpi ult, %d, %four : index
    %y = arith.select %first, %minus, %plus : f32
    linalg.yield %y : f32
  } -> tensor<3x2x8xf32>
  return %1 : tensor<3x2x8xf32>
}

func.func @pairs(%x: tensor<2x3x8xf32>, %cos: tensor<3x4xf32>, %sin: tensor<3x4xf32>) -> tensor<2x3x8xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, 4] [1, 1, 2] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %b = tensor.extract_slice %x[0, 0, 1] [2, 3, 4] [1, 1, 2] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %0 = tensor.empty() : tensor<2x3x4xf32>
  %1:2 = linalg.generic {indexing_maps = [#id, #id, #table, #table, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b, %cos, %sin : tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) outs(%0, %0 : tensor<2x3x4xf32>, tensor<2x3x4xf32>) {
  ^bb0(%p: f32, %q: f32, %c: f32, %s: f32, %u: f32, %v: f32):
    %pc = arith.mulf %p, %c : f32
    %qs = arith.mulf %q, %s : f32
    %qc = arith.mulf %q, %c : f32
    %ps = arith.mulf %p, %s : f32
    %y = arith.subf %pc, %qs : f32
    %z = arith.addf %qc, %ps : f32
    linalg.yield %y, %z : f32, f32
  } -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>)
  %e = tensor.empty() : tensor<2x3x8xf32>
  %2 = tensor.insert_slice %1#0 into %e[0, 0, 0] [2, 3, 4] [1, 1, 2] : tensor<2x3x4xf32> into tensor<2x3x8xf32>
  %3 = tensor.insert_slice %1#1 into %2[0, 0, 1] [2, 3, 4] [1, 1, 2] : tensor<2x3x4xf32> into tensor<2x3x8xf32>
  return %3 : tensor<2x3x8xf32>
}

func.func @backwards(%x: tensor<2x3x8xf32>, %cos: tensor<3x4xf32>, %sin: tensor<3x4xf32>) -> tensor<2x3x8xf32> {
  %a = tensor.extract_slice %x[0, 0, 0] [2, 3, 4] [1, 1, 1] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %b = tensor.extract_slice %x[0, 0, 4] [2, 3, 4] [1, 1, 1] : tensor<2x3x8xf32> to tensor<2x3x4xf32>
  %0 = tensor.empty() : tensor<2x3x4xf32>
  %1:2 = linalg.generic {indexing_maps = [#id, #id, #table, #table, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a, %b, %cos, %sin : tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>) outs(%0, %0 : tensor<2x3x4xf32>, tensor<2x3x4xf32>) {
  ^bb0(%p: f32, %q: f32, %c: f32, %s: f32, %u: f32, %v: f32):
    %pc = arith.mulf %p, %c : f32
    %qs = arith.mulf %q, %s : f32
    %qc = arith.mulf %q, %c : f32
    %ps = arith.mulf %p, %s : f32
    %y = arith.addf %pc, %qs : f32
    %z = arith.addf %qc, %ps : f32
    linalg.yield %y, %z : f32, f32
  } -> (tensor<2x3x4xf32>, tensor<2x3x4xf32>)
  %2 = tensor.concat dim(2) %1#0, %1#1 : (tensor<2x3x4xf32>, tensor<2x3x4xf32>) -> tensor<2x3x8xf32>
  return %2 : tensor<2x3x8xf32>
}
