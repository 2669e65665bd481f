// arg: --spec-lower-kernels=l1-bytes=-1
func.func @f() {
  return
}
