func.func private @f() attributes {spec.call = #spec.call<model = "m", role = drafter, index = first>}
// -----
func.func private @f() attributes {spec.call = #spec.call<model = "m", role = none, index = 0>}
