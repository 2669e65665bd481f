// Symbols of device modules move under new names, with what they refer to; external functions keep theirs.
module @npu attributes {spec.placement = #spec.placement<role = drafter, device = "npu", units = 1, dtype = f32>} {
  memref.global "private" constant @table : memref<2xi64> = dense<[3, 4]>
  func.func private @clock() -> i64
  func.func private @only_here(i64)
  func.func @step(%t: tensor<1xi64>) -> tensor<1xi64> attributes {note = [@twice, {f = @step}]} {
    %0 = call @twice(%t) : (tensor<1xi64>) -> tensor<1xi64>
    %1 = memref.get_global @table : memref<2xi64>
    %2 = call @clock() : () -> i64
    call @only_here(%2) : (i64) -> ()
    return %0 : tensor<1xi64>
  }
  func.func @twice(%t: tensor<1xi64>) -> tensor<1xi64> {
    %0 = arith.addi %t, %t : tensor<1xi64>
    return %0 : tensor<1xi64>
  }
  func.func @npu__step() {
    return
  }
}
func.func private @clock() -> i64
func.func @npu__twice() {
  return
}
func.func @main(%t: tensor<1xi64>) -> tensor<1xi64> {
  %0 = spec.dispatch @npu::@step(%t) : (tensor<1xi64>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}
