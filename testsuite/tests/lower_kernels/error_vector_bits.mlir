// arg: --spec-lower-kernels=vector-bits=96
func.func @f() {
  return
}
