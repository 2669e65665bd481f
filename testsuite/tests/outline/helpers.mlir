// What only the device needs moves to it, a helper of a helper as well; what the host needs too is copied.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#t = #spec.model<name = "decode", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 64, bytes = 256, dtype = f32, token_args = [0], position_args = [1], cache_args = [2], parameter_args = [3], logits_results = [0], token_results = [], cache_results = [], row_results = [1]>
module attributes {spec.plan = #plan} {
  ml_program.global private @norm(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
  func.func private @decode(%t: tensor<1xi64>, %p: tensor<i64>, %k: tensor<8x4xf32>, %w: tensor<16x4xf32>) -> (tensor<1x16xf32>, tensor<1x4xf32>) attributes {spec.model = #t, spec.placement = #cpu} {
    %g = ml_program.global_load_const @norm : tensor<4xf32>
    %a = call @shared(%g) : (tensor<4xf32>) -> tensor<4xf32>
    %b = call @exclusive(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %l = tensor.empty() : tensor<1x16xf32>
    %r = tensor.empty() : tensor<1x4xf32>
    return %l, %r : tensor<1x16xf32>, tensor<1x4xf32>
  }
  func.func private @shared(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
  func.func private @inner(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
  func.func private @exclusive(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = call @inner(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
  func.func @host(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = call @shared(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}
