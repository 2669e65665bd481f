module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 0.0, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 1.0e+400, speedup = 1.5, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = -1.0, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 0x7FF0000000000000, baseline = "cpu">} {}
// -----
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 3, strategy = sequential, accept = greedy, acceptance = 0.8, acceptance_source = "option", tokens_per_second = 2.0, speedup = 0x7FF8000000000000, baseline = "cpu">} {}
