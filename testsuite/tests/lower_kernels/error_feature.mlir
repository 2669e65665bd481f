// arg: --spec-lower-kernels=features=dotprod,sve2
func.func @f() {
  return
}
