module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch gpu(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@step(%t) resident 0 : (tensor<1xi64>) -> tensor<1xi64>
  return
}
// -----
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @step(tensor<1xi64>) -> tensor<1xi64>
}
func.func @f(%t: tensor<1xi64>, %w: tensor<2xi64>) {
  %0 = spec.dispatch @gpu::@step(%t) resident [0 to 9999999] : (tensor<1xi64>) -> tensor<1xi64>
  return
}
