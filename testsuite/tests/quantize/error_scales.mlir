// arg: --spec-quantize=all=i8 scales=bf16
module {
}
