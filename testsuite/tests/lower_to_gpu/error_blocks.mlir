// Control flow has no schedule.
func.func @f(%x: memref<64xf32>, %c: i1) {
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  return
^bb2:
  return
}
