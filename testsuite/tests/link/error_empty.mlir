// arg: --spec-link=target=tests/link/files/empty.mlir
// No function.
module {
}
