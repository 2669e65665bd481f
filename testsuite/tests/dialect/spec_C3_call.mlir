func.func private @f() attributes {spec.call = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32>}
