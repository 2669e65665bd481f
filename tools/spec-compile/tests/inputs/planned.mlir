// A module that was partitioned: a region on a GPU, one on a CPU, and the host's code, which nobody compiles.
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 2, strategy = sequential, accept = greedy,
    acceptance = 0.8, acceptance_source = "test", tokens_per_second = 4.1, speedup = 1.2, baseline = "target on cpu">} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = spec.dispatch @target_cpu::@double(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
  module @drafter_gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
    func.func @half(%x: tensor<4xf32>) -> tensor<4xf32> {
      %half = arith.constant dense<0.5> : tensor<4xf32>
      %0 = tensor.empty() : tensor<4xf32>
      %1 = linalg.mul ins(%x, %half : tensor<4xf32>, tensor<4xf32>) outs(%0 : tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
  }
  module @target_cpu attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 6, dtype = f32>} {
    func.func @double(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = tensor.empty() : tensor<4xf32>
      %1 = linalg.add ins(%x, %x : tensor<4xf32>, tensor<4xf32>) outs(%0 : tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
  }
}
