// Speculation planned, and refused; numbers that need many digits.
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 8.000000e-01, acceptance_source = "option", tokens_per_second = 3.1415926535897931, speedup = 1.7000000000000002, baseline = "cpu x 6, f16">} {
  module attributes {spec.plan = #spec.plan<soc = "rk3588", host = "cpu", draft_length = 0, strategy = none, accept = rejection, acceptance = 0.0, acceptance_source = "", tokens_per_second = 1.0e-300, speedup = 1.0, baseline = "cpu">} {
  }
  module attributes {spec.plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 64, strategy = pipelined, accept = rejection, acceptance = 1.0, acceptance_source = "measured", tokens_per_second = 1.0e+300, speedup = 2.0, baseline = "cpu">} {
  }
  module attributes {spec.plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 1, strategy = overlapped, accept = greedy, acceptance = 0.5, acceptance_source = "assumed", tokens_per_second = 1.0, speedup = 0.5, baseline = "cpu">} {
  }
}
