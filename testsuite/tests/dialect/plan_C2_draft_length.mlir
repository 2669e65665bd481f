module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = -1, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 65, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
