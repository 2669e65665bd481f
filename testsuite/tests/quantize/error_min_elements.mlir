// arg: --spec-quantize=min-elements=-1
module {
}
