// A device with a device of its own: names add up, and two devices may use one function name.
module @soc attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 4, dtype = f32>} {
  module @dsp attributes {spec.placement = #spec.placement<role = target, device = "dsp", units = 1, dtype = f32>} {
    func.func @run(%x: i64) -> i64 {
      return %x : i64
    }
  }
  func.func @run(%x: i64) -> i64 {
    %0 = spec.transfer %x from "cpu" to "dsp" : i64
    %1 = spec.dispatch @dsp::@run(%0) : (i64) -> i64
    return %1 : i64
  }
}
func.func @main(%x: i64) -> i64 {
  %0 = spec.dispatch @soc::@run(%x) : (i64) -> i64
  return %0 : i64
}
