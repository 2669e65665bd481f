// arg: --spec-quantize=all=i8 activations=i8
module {
}
