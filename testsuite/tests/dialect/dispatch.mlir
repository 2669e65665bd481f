// Everything crosses; weights and caches stay; a value comes from another device; same device, other module.
module @host {
  module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
    func.func private @step(tensor<1xi64>, tensor<8x4xf32>, tensor<16x4xf32>) -> (tensor<1xi64>, tensor<8x4xf32>)
    func.func private @nothing()
  }
  module @gpu_too attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 2, dtype = f32>} {
    func.func private @next(tensor<1xi64>) -> tensor<1xi64>
  }
  module @cpu attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 6, dtype = f16>} {
    func.func private @verify(tensor<1xi64>) -> tensor<1xi64>
  }
  func.func @round(%t: tensor<1xi64>, %c: tensor<8x4xf32>, %w: tensor<16x4xf32>) -> tensor<1xi64> {
    spec.dispatch @gpu::@nothing() : () -> ()
    %0:2 = spec.dispatch @gpu::@step(%t, %c, %w) : (tensor<1xi64>, tensor<8x4xf32>, tensor<16x4xf32>) -> (tensor<1xi64>, tensor<8x4xf32>)
    %1:2 = spec.dispatch @gpu::@step(%0#0, %0#1, %w) resident [1, 2] keeps [1] {note = "second"} : (tensor<1xi64>, tensor<8x4xf32>, tensor<16x4xf32>) -> (tensor<1xi64>, tensor<8x4xf32>)
    %2:2 = spec.dispatch @gpu::@step(%1#0, %1#1, %w) resident [0 to 2] : (tensor<1xi64>, tensor<8x4xf32>, tensor<16x4xf32>) -> (tensor<1xi64>, tensor<8x4xf32>)
    %3 = spec.dispatch @gpu_too::@next(%2#0) : (tensor<1xi64>) -> tensor<1xi64>
    %4 = spec.transfer %3 from "gpu" to "cpu" : tensor<1xi64>
    %5 = spec.dispatch @cpu::@verify(%4) : (tensor<1xi64>) -> tensor<1xi64>
    return %5 : tensor<1xi64>
  }
}
