// No round: attention without a cache: earlier tokens would be unseen.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#t = #spec.model<name = "f", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [0], position_args = [], cache_args = [], parameter_args = [1], logits_results = [0], token_results = [], cache_results = [], row_results = []>
module attributes {spec.plan = #plan} {
  func.func private @f(%a0: tensor<1xi64>, %a1: tensor<16x4xf32>) -> (tensor<1x16xf32>) attributes {spec.model = #t, spec.placement = #cpu} {
    %r0 = tensor.empty() : tensor<1x16xf32>
    return %r0 : tensor<1x16xf32>
  }
}
