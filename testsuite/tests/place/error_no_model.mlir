// arg: --spec-place=soc=unit alpha=0.5
// Nothing to place.
module {
}
