// Rows of 32 into a cache at [0, %p, 0]: the dropped dimension of size 1 is the middle one.
module attributes {transform.with_named_sequence} {
  func.func @insert(%rows: tensor<2x32xf32>, %cache: tensor<2x128x32xf32>, %p: index) -> tensor<2x128x32xf32> {
    %0 = tensor.insert_slice %rows into %cache[0, %p, 0] [2, 1, 32] [1, 1, 1] : tensor<2x32xf32> into tensor<2x128x32xf32>
    return %0 : tensor<2x128x32xf32>
  }
  transform.named_sequence @__transform_main(%m: !transform.any_op) {
    %f = transform.structured.match ops{["func.func"]} in %m : (!transform.any_op) -> !transform.any_op
    %0 = transform.structured.vectorize_children_and_apply_patterns %f {vectorize_padding} : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
