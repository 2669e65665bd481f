// What earlier passes wrote down is removed, on ops, functions and arguments; the rest stays.
module attributes {spec.role = "target", other.kept = 1 : i64} {
  func.func @f(%x: tensor<?x4xf32> {spec.bounds = array<i64: 16, 4>, other.x}, %y: tensor<?xf32> {spec.bounds = array<i64: 2>}) -> tensor<?x4xf32>
      attributes {spec.placement = #spec.placement<role = target, device = "cpu", units = 1, dtype = f32>} {
    %0 = arith.addf %x, %x {spec.call = #spec.call<model = "m", role = target, index = 0>} : tensor<?x4xf32>
    return %0 : tensor<?x4xf32>
  }
}
