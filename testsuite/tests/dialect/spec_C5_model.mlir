func.func private @f() attributes {spec.model = "m"}
// -----
module attributes {spec.model = #spec.model<name = "m", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 4, heads = 1, kv_heads = 1, head_dim = 4, context_length = 8, parameters = 4, bytes = 16, dtype = f32, token_args = [0], position_args = [], cache_args = [1], parameter_args = [2], logits_results = [0], token_results = [], cache_results = [1], row_results = []>} {}
