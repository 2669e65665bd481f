// arg: --spec-link=target=tests/link/files/hinted.mlir
// A role that the file gives stays.
module {
}
