// Not @device::@function; no such module; no such function; not a device; not a module; not a function; from within the device.
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @step(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@step::@more(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @npu::@step(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@leap(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@step(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @f::@step(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  module @inner {}
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@inner(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func @step(%t: tensor<1xi64>) {
    %0 = spec.dispatch @gpu::@step(%t) : (tensor<1xi64>) -> tensor<1xi64>
    return
  }
}
