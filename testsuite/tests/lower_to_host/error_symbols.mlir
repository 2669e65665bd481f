// A device module that is used by other than dispatches, and an external function of two types.
module @gpu attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>} {
  func.func private @clock() -> i32
  memref.global @table : memref<2xi64>
}
func.func private @clock() -> i64
memref.global @table : memref<3xi64>
func.func @f() attributes {uses = @gpu::@clock} {
  return
}
