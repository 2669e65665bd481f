// arg: --spec-share-layers=min-ops=0
func.func @f() {
  return
}
