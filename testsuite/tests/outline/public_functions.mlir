// Public functions stay as stubs, with their other attributes.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#t = #spec.model<name = "decode", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [0], position_args = [1], cache_args = [2], parameter_args = [3], logits_results = [0], token_results = [], cache_results = [], row_results = [1]>
module attributes {spec.plan = #plan} {
  func.func @decode(%t: tensor<1xi64>, %p: tensor<i64>, %k: tensor<8x4xf32>, %w: tensor<16x4xf32>) -> (tensor<1x16xf32>, tensor<1x4xf32>) attributes {llvm.emit_c_interface, spec.model = #t, spec.placement = #cpu} {
    %l = tensor.empty() : tensor<1x16xf32>
    %r = tensor.empty() : tensor<1x4xf32>
    return %l, %r : tensor<1x16xf32>, tensor<1x4xf32>
  }
}
