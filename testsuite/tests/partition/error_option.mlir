// arg: --spec-partition=speed=1
// No such option.
module {
}
