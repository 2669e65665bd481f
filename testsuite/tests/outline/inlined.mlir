// Two inlined calls: tokens cross, weights stay. The op between uses a result: it moves behind the dispatch.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#gpu = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#d0 = #spec.call<model = "drafter", role = drafter, index = 0>
#t0 = #spec.call<model = "target", role = target, index = 0>
module attributes {spec.plan = #plan} {
  func.func @main(%t: tensor<1xi64>, %w: tensor<1x4xf32>, %v: tensor<1x4xf32>) -> (tensor<1xi64>, tensor<1xf32>) {
    %0 = tensor.empty() {spec.call = #d0, spec.placement = #gpu} : tensor<1xi64>
    %1 = linalg.copy {spec.call = #d0, spec.placement = #gpu} ins(%t : tensor<1xi64>) outs(%0 : tensor<1xi64>) -> tensor<1xi64>
    %i = tensor.empty() : tensor<1xi64>
    %2 = linalg.copy ins(%1 : tensor<1xi64>) outs(%i : tensor<1xi64>) -> tensor<1xi64>
    %3 = linalg.copy {spec.call = #d0, spec.placement = #gpu} ins(%w : tensor<1x4xf32>) outs(%w : tensor<1x4xf32>) -> tensor<1x4xf32>
    %4 = tensor.empty() {spec.call = #t0, spec.placement = #cpu} : tensor<1xf32>
    %5 = linalg.reduce { arith.addf } ins(%v : tensor<1x4xf32>) outs(%4 : tensor<1xf32>) dimensions = [1] {spec.call = #t0, spec.placement = #cpu}
    %6 = linalg.copy {spec.call = #t0, spec.placement = #cpu} ins(%2 : tensor<1xi64>) outs(%2 : tensor<1xi64>) -> tensor<1xi64>
    return %6, %5 : tensor<1xi64>, tensor<1xf32>
  }
}
