func.func private @f() attributes {spec.plan = 3}
// -----
func.func private @f() attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">}
