// Two tokens a call, three a round: two calls, the second one padded. A scalar i32 position, tokens [1, 2], two caches whose results are swapped.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#gpu = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#d = #spec.model<name = "draft", role = drafter, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [0], position_args = [1], cache_args = [2], parameter_args = [3], logits_results = [0], token_results = [], cache_results = [], row_results = [1]>
#t = #spec.model<name = "verify", role = target, tokens = 2, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [3], position_args = [2], cache_args = [0, 1], parameter_args = [], logits_results = [2], token_results = [], cache_results = [1, 0], row_results = []>
module attributes {spec.plan = #plan} {
  func.func private @draft(%t: tensor<1xi64>, %p: tensor<i64>, %k: tensor<8x4xf32>, %w: tensor<16x4xf32>) -> (tensor<1x16xf32>, tensor<1x4xf32>) attributes {spec.model = #d, spec.placement = #gpu} {
    %l = tensor.empty() : tensor<1x16xf32>
    %r = tensor.empty() : tensor<1x4xf32>
    return %l, %r : tensor<1x16xf32>, tensor<1x4xf32>
  }
  func.func private @verify(%k: tensor<8x4xf32>, %v: tensor<8x4xf32>, %p: i32, %t: tensor<1x2xi32>) -> (tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x2x16xf16>) attributes {spec.model = #t, spec.placement = #cpu} {
    %l = tensor.empty() : tensor<1x2x16xf16>
    return %v, %k, %l : tensor<8x4xf32>, tensor<8x4xf32>, tensor<1x2x16xf16>
  }
}
