// All parts; then only what must be there, with a function that has no body.
module {
  func.func @decode(%t: tensor<1x1xi64>, %p: tensor<i64>, %k: tensor<8x4xf16>, %v: tensor<8x4xf16>, %w0: tensor<16x4xf16>, %w1: tensor<4xf16>, %w2: tensor<4xf16>) -> (tensor<1x16xf16>, tensor<8x4xf16>, tensor<1x4xf16>) attributes {spec.model = #spec.model<name = "decode", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 2, kv_heads = 1, head_dim = 2, context_length = 8, parameters = 72, bytes = 144, dtype = f16, token_args = [0], position_args = [1], cache_args = [2, 3], parameter_args = [4 to 6], logits_results = [0], token_results = [], cache_results = [1], row_results = [2]>} {
    %l = tensor.empty() : tensor<1x16xf16>
    %r = tensor.empty() : tensor<1x4xf16>
    return %l, %k, %r : tensor<1x16xf16>, tensor<8x4xf16>, tensor<1x4xf16>
  }
  func.func private @choose(tensor<1xi32>) -> tensor<1xi32> attributes {spec.model = #spec.model<name = "choose", role = drafter, tokens = 1, vocabulary = 2, layers = 0, hidden = 1, heads = 0, kv_heads = 0, head_dim = 0, context_length = 0, parameters = 1, bytes = 1, dtype = i8, token_args = [0], position_args = [], cache_args = [], parameter_args = [], logits_results = [], token_results = [0], cache_results = [], row_results = []>}
}
