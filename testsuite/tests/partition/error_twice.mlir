// arg: --spec-partition=soc=unit
// Partitioned already.
module attributes {spec.plan = #spec.plan<soc = "unit", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 0.9, acceptance_source = "a", tokens_per_second = 1.0, speedup = 1.0, baseline = "b">} {
  module @target_cpu {
  }
}
