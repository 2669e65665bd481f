// The cache holds the two new rows already: at most 6 of 8.
func.func @updated(%q: tensor<4x2x8xf32>, %k: tensor<2x8x8xf32>, %p: index) -> tensor<4x2x8xf32> {
  %e = tensor.empty() : tensor<4x2x8xf32>
  %0 = spec.attention head_major scale 0.5 ins(%q, %k, %k : tensor<4x2x8xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>) position(%p)
    outs(%e : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  return %0 : tensor<4x2x8xf32>
}

// New rows beside a full cache: at most 8 of 8, token-major.
func.func @beside(%q: tensor<4x2x8xf32>, %k: tensor<8x2x8xf32>, %n: tensor<2x2x8xf32>, %p: index) -> tensor<4x2x8xf32> {
  %e = tensor.empty() : tensor<4x2x8xf32>
  %0 = spec.attention token_major scale 0.5 ins(%q, %k, %k : tensor<4x2x8xf32>, tensor<8x2x8xf32>, tensor<8x2x8xf32>)
    new(%n, %n : tensor<2x2x8xf32>, tensor<2x2x8xf32>) position(%p) outs(%e : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  return %0 : tensor<4x2x8xf32>
}

// A mask has no position.
func.func @masked(%q: tensor<4x2x8xf32>, %k: tensor<2x8x8xf32>, %m: tensor<2x8xf32>) -> tensor<4x2x8xf32> {
  %e = tensor.empty() : tensor<4x2x8xf32>
  %0 = spec.attention head_major scale 0.5 ins(%q, %k, %k : tensor<4x2x8xf32>, tensor<2x8x8xf32>, tensor<2x8x8xf32>)
    mask(%m : tensor<2x8xf32>) outs(%e : tensor<4x2x8xf32>) -> tensor<4x2x8xf32>
  return %0 : tensor<4x2x8xf32>
}
