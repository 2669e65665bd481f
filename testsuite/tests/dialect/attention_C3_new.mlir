// New keys without new values, and the reverse.
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %n: tensor<2x5x8xf32>, %p: index) {
  %0 = "spec.attention"(%q, %k, %k, %n, %p, %q) <{kv_layout = #spec<kv_layout head_major>, scale = 1.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1, 0, 1>}> : (tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>, tensor<2x5x8xf32>, index, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
// -----
func.func @f(%q: tensor<4x5x8xf32>, %k: tensor<2x32x8xf32>, %n: tensor<2x5x8xf32>, %p: index) {
  %0 = "spec.attention"(%q, %k, %k, %n, %p, %q) <{kv_layout = #spec<kv_layout head_major>, scale = 1.0 : f32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 1, 0, 1>}> : (tensor<4x5x8xf32>, tensor<2x32x8xf32>, tensor<2x32x8xf32>, tensor<2x5x8xf32>, index, tensor<4x5x8xf32>) -> tensor<4x5x8xf32>
  return
}
