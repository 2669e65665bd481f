// An attribute of the dialect where the dialect does not look.
func.func @f() attributes {note = [#spec.call<model = "m", role = target, index = 0>]} {
  return
}
