// An integer is not a float: 1.0, not 1.
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = parallel, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = sometimes, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 1, acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = "0.8", acceptance_source = "option", tokens_per_second = 2.0, speedup = 1.5, baseline = "cpu">} {}
