// Effects stay in order: the second print moves behind the dispatch with the first.
#plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy, acceptance = 0.9, acceptance_source = "option alpha", tokens_per_second = 1.5, speedup = 1.25, baseline = "target on cpu">
#gpu = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>
#cpu = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>
#d0 = #spec.call<model = "drafter", role = drafter, index = 0>
#t0 = #spec.call<model = "target", role = target, index = 0>
module attributes {spec.plan = #plan} {
  func.func private @print(tensor<1xi64>)
  func.func @main(%t: tensor<1xi64>) -> tensor<1xi64> {
    %0 = linalg.copy {spec.call = #d0, spec.placement = #gpu} ins(%t : tensor<1xi64>) outs(%t : tensor<1xi64>) -> tensor<1xi64>
    call @print(%0) : (tensor<1xi64>) -> ()
    call @print(%t) : (tensor<1xi64>) -> ()
    %1 = linalg.copy {spec.call = #d0, spec.placement = #gpu} ins(%0 : tensor<1xi64>) outs(%0 : tensor<1xi64>) -> tensor<1xi64>
    return %1 : tensor<1xi64>
  }
}
