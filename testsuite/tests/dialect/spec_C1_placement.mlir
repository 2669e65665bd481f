func.func private @f() attributes {spec.placement = "gpu"}
// -----
module attributes {spec.placement} {}
