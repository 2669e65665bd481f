// No round: one choice for two tokens.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#t = #spec.model<name = "f", role = target, tokens = 2, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [0], position_args = [1], cache_args = [2], parameter_args = [3], logits_results = [], token_results = [0], cache_results = [1], row_results = []>
module attributes {spec.plan = #plan} {
  func.func private @f(%a0: tensor<2xi64>, %a1: tensor<i64>, %a2: tensor<8x4xf32>, %a3: tensor<16x4xf32>) -> (tensor<1xi64>, tensor<8x4xf32>) attributes {spec.model = #t, spec.placement = #cpu} {
    %r0 = tensor.empty() : tensor<1xi64>
    %r1 = tensor.empty() : tensor<8x4xf32>
    return %r0, %r1 : tensor<1xi64>, tensor<8x4xf32>
  }
}
