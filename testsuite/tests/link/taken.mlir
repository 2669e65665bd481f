// arg: --spec-link=drafter=tests/link/files/drafter.mlir target=tests/link/files/target.mlir
// The suffixed name is taken as well.
module {
  func.func @main() {
    return
  }
  func.func @target_main() {
    return
  }
}
