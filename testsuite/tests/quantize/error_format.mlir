// arg: --spec-quantize=drafter=q4
module {
}
