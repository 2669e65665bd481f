func.func private @f() attributes {spec.call = #spec.call<model = "", role = drafter, index = 0>}
