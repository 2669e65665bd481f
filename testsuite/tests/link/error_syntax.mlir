// arg: --spec-link=target=tests/link/files/broken.mlir
// Not MLIR.
module {
}
