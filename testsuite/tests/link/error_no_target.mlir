// arg: --spec-link=drafter=tests/link/files/drafter.mlir
// The target is required.
module {
}
