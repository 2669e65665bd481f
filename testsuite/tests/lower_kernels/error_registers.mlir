// arg: --spec-lower-kernels=vector-registers=0
func.func @f() {
  return
}
