func.func private @f() attributes {spec.roles}
// -----
func.func private @f(i64 {spec.role = "target"})
// -----
func.func private @f() -> (tensor<?xi64> {spec.bounds = array<i64: 1>})
