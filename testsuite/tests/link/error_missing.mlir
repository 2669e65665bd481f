// arg: --spec-link=target=tests/link/files/nowhere.mlir
// No such file.
module {
}
