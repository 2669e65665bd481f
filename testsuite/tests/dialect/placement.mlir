// On a module, a function, an op; a CPU with cores, a GPU, other data types.
module attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 4, dtype = f16>} {
  func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "big gpu \22a\22", units = 1, dtype = i4>}
  func.func @g() {
    %0 = arith.constant {spec.placement = #spec.placement<role = drafter, device = "npu", units = 2, dtype = bf16>} 1 : i32
    return
  }
}
