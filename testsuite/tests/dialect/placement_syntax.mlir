// Missing, mistyped and unknown fields.
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 99999999999999999999, dtype = f32>}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = verifier, device = "gpu", units = 1, dtype = f32>}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = gpu, units = 1, dtype = f32>}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu">}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = f32, cost = 3>}
// -----
func.func private @f() attributes {spec.placement = #spec.place<>}
