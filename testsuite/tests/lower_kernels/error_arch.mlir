// arg: --spec-lower-kernels=arch=riscv
func.func @f() {
  return
}
