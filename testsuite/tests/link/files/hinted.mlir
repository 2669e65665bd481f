func.func @main() attributes {spec.role = "drafter"} {
  return
}
