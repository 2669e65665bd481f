func.func private @f() attributes {spec.role = "verifier"}
// -----
func.func private @f() attributes {spec.role}
