// arg: --spec-group-kernels=features=storage16,storage32
// A feature that nobody knows.
func.func @f() {
  return
}
