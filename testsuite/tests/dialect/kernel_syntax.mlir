// No region, an argument, two blocks.
func.func @f() {
  spec.kernel
  return
}
// -----
func.func @f() {
  spec.kernel {
  ^bb0(%x: index):
  }
  return
}
// -----
func.func @f() {
  spec.kernel {
  ^bb0:
    cf.br ^bb1
  ^bb1:
  }
  return
}
