// A whole round of two drafts: dispatches become calls, transfers go away, catch-up is conditional.
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 12.5, speedup = 1.5, baseline = "target on cpu x6">} {
  module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f16>} {
    func.func @step(%t: tensor<1xi64>, %p: tensor<i64>, %k: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<1xi64>, tensor<4x8xf32>) {
      return %t, %k : tensor<1xi64>, tensor<4x8xf32>
    }
  }
  module @cpu attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 6, dtype = f16>} {
    func.func @verify(%t: tensor<3xi64>, %p: tensor<i64>, %k: tensor<4x8xf32>) -> (tensor<3xi64>, tensor<4x8xf32>) {
      return %t, %k : tensor<3xi64>, tensor<4x8xf32>
    }
  }
  func.func @round(%last: tensor<1xi64>, %pos: tensor<i64>, %w: tensor<8x8xf32>, %dk: tensor<4x8xf32>, %tk: tensor<4x8xf32>) -> (tensor<3xi64>, index, tensor<4x8xf32>, tensor<4x8xf32>) {
    %tok, %n, %s:2 = spec.round greedy draft_length 2 last(%last : tensor<1xi64>) position(%pos : tensor<i64>) draft(%dk : tensor<4x8xf32>) {
    ^bb0(%t: tensor<1xi64>, %p: tensor<i64>, %k: tensor<4x8xf32>):
      %t2 = spec.transfer %t from "cpu" to "gpu" : tensor<1xi64>
      %p2 = spec.transfer %p from "cpu" to "gpu" : tensor<i64>
      %r:2 = spec.dispatch @gpu::@step(%t2, %p2, %k, %w) resident [2, 3] keeps [1] : (tensor<1xi64>, tensor<i64>, tensor<4x8xf32>, tensor<8x8xf32>) -> (tensor<1xi64>, tensor<4x8xf32>)
      %o = spec.transfer %r#0 from "gpu" to "cpu" : tensor<1xi64>
      spec.yield %o, %r#1 : tensor<1xi64>, tensor<4x8xf32>
    } verify(%tk : tensor<4x8xf32>) {
    ^bb0(%t: tensor<3xi64>, %p: tensor<i64>, %k: tensor<4x8xf32>):
      %r:2 = spec.dispatch @cpu::@verify(%t, %p, %k) resident [2] keeps [1] : (tensor<3xi64>, tensor<i64>, tensor<4x8xf32>) -> (tensor<3xi64>, tensor<4x8xf32>)
      spec.yield %r#0, %r#1 : tensor<3xi64>, tensor<4x8xf32>
    } : tensor<3xi64>
    return %tok, %n, %s#0, %s#1 : tensor<3xi64>, index, tensor<4x8xf32>, tensor<4x8xf32>
  }
}
