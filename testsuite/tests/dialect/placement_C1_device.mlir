func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "", units = 1, dtype = f32>}
