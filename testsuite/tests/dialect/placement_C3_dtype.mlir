func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = index>}
// -----
func.func private @f() attributes {spec.placement = #spec.placement<role = drafter, device = "gpu", units = 1, dtype = tensor<1xf32>>}
