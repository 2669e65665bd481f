func.func private @f() attributes {spec.call = #spec.call<model = "m", role = drafter, index = -1>}
