// arg: --spec-quantize=target=i8g32 activations=int8 min-elements=0
// The model's attribute follows: scales are parameters, bytes and dtype change. A cache is no weight, whoever reads it.
#model = #spec.model<name = "m", role = target, tokens = 1, vocabulary = 16, layers = 1, hidden = 64, heads = 1, kv_heads = 1, head_dim = 64,
  context_length = 8, parameters = 2048, bytes = 8192, dtype = f32, token_args = [0], position_args = [], cache_args = [2],
  parameter_args = [1, 3], logits_results = [0], token_results = [], cache_results = [], row_results = []>
module attributes {spec.placement = #spec.placement<role = drafter, device = "cpu", units = 1, dtype = f32>} {
  func.func @main(%ids: tensor<1xi64>, %table: tensor<16x64xf32> {spec.bounds = array<i64: 16, 64>}, %cache: tensor<8x64xf32>,
                  %w: tensor<16x64xf32> {torch.name = "w"}) -> (tensor<1x16xf32>, tensor<1x8xf32>) attributes {spec.model = #model} {
    %0 = tensor.empty() : tensor<1x64xf32>
    %1 = spec.embedding dense ins(%ids, %table : tensor<1xi64>, tensor<16x64xf32>) outs(%0 : tensor<1x64xf32>) -> tensor<1x64xf32>
    %2 = tensor.empty() : tensor<1x8xf32>
    %3 = spec.linear out_in dense ins(%1, %cache : tensor<1x64xf32>, tensor<8x64xf32>) outs(%2 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %4 = tensor.empty() : tensor<1x16xf32>
    %5 = spec.linear out_in dense ins(%1, %w : tensor<1x64xf32>, tensor<16x64xf32>) outs(%4 : tensor<1x16xf32>) -> tensor<1x16xf32>
    return %5, %3 : tensor<1x16xf32>, tensor<1x8xf32>
  }
}
