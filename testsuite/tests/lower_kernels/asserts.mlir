// An assertion that fails is status 2; calls hand pool and status on; other functions get them too, declarations do not.
func.func @f(%c: i1, %n: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.assert %c, "holds"
  scf.for %i = %c0 to %n step %c1 {
    %ok = arith.cmpi slt, %i, %n : index
    cf.assert %ok, "in the loop"
  }
  %0 = func.call @g(%n) : (index) -> f32
  func.call @outside(%n) : (index) -> ()
  return %0 : f32
}
func.func private @g(%n: index) -> f32 {
  %0 = arith.constant 1.0 : f32
  return %0 : f32
}
func.func private @outside(index)
