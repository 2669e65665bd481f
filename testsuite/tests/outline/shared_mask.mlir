// A mask that both calls read is recomputed in both; only its root, the position, crosses. Globals follow.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#gpu = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#d0 = #spec.call<model = "drafter", role = drafter, index = 0>
#t0 = #spec.call<model = "target", role = target, index = 0>
module attributes {spec.plan = #plan} {
  ml_program.global private @table(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
  func.func @main(%p: tensor<i64>, %k: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %at = tensor.extract %p[] : tensor<i64>
    %e = tensor.empty() : tensor<4xf32>
    %g = ml_program.global_load_const @table : tensor<4xf32>
    %mask = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]} ins(%g : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %f = arith.sitofp %at : i64 to f32
      %s = arith.addf %a, %f : f32
      linalg.yield %s : f32
    } -> tensor<4xf32>
    %0 = linalg.add {spec.call = #d0, spec.placement = #gpu} ins(%mask, %k : tensor<4xf32>, tensor<4xf32>) outs(%k : tensor<4xf32>) -> tensor<4xf32>
    %1 = linalg.mul {spec.call = #t0, spec.placement = #cpu} ins(%mask, %k : tensor<4xf32>, tensor<4xf32>) outs(%k : tensor<4xf32>) -> tensor<4xf32>
    return %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
}
