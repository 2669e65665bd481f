// arg: --spec-finish-spirv=storage-only=Float64
module {
}
