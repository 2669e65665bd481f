// arg: --spec-link=target=tests/link/files/target.mlir
// The module has symbols already, and keeps their names.
module {
  func.func private @helper()
  func.func @run() {
    call @helper() : () -> ()
    return
  }
}
