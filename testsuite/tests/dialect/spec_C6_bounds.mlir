func.func private @f(tensor<?xi64> {spec.bounds = 3})
// -----
func.func private @f(tensor<?xi64> {spec.bounds = array<i64: 1, 2>})
// -----
func.func private @f(i64 {spec.bounds = array<i64: 1>})
// -----
func.func private @f(tensor<*xi64> {spec.bounds = array<i64: 1>})
// -----
func.func private @f(tensor<?xi64> {spec.bounds = array<i32: 1>})
// -----
func.func private @f(tensor<?xi64> {spec.bounds = array<i64: 0>})
// -----
func.func private @f(tensor<4x?xi64> {spec.bounds = array<i64: 5, 1>})
