func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 0, dtype = f32>}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = -9223372036854775808, dtype = f32>}
