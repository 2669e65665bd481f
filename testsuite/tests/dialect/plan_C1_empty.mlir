module attributes {spec.plan = #spec.plan<soc = "", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "">} {}
