// arg: --pass-pipeline=builtin.module(func.func(spec-split-reductions{lanes=12}))
func.func @f() {
  return
}
