// arg: --spec-link=drafter=tests/link/files/drafter.mlir target=tests/link/files/target.mlir
// Names clash: one gets a suffix, with all references.
module {
}
