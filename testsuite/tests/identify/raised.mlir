// What spec-raise and spec-quantize write. @small returns new rows and logits; @large, in four bits, whole caches and tokens.
#same = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @small(%tokens: tensor<1xi64>, %at: tensor<i64>, %keys: tensor<1x8x32xf16>, %values: tensor<1x8x32xf16>, %table: tensor<128x64xf16>, %norm1: tensor<64xf16>, %wq: tensor<64x64xf16>, %wk: tensor<32x64xf16>, %wv: tensor<32x64xf16>, %wo: tensor<64x64xf16>, %norm2: tensor<64xf16>, %gate: tensor<96x64xf16>, %up: tensor<96x64xf16>, %down: tensor<64x96xf16>, %norm3: tensor<64xf16>, %head: tensor<128x64xf16>, %cos: tensor<1x16xf32>, %sin: tensor<1x16xf32>)
    -> (tensor<1x128xf32>, tensor<1x1x32xf16>, tensor<1x1x32xf16>) {
  %wide = tensor.empty() : tensor<1x64xf32>
  %x = spec.embedding dense ins(%tokens, %table : tensor<1xi64>, tensor<128x64xf16>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %n1 = spec.norm rms eps 1.0e-5 ins(%x, %norm1 : tensor<1x64xf32>, tensor<64xf16>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %q_init = tensor.empty() : tensor<1x64xf32>
  %q = spec.linear out_in dense ins(%n1, %wq : tensor<1x64xf32>, tensor<64x64xf16>) outs(%q_init : tensor<1x64xf32>) -> tensor<1x64xf32>
  %k_init = tensor.empty() : tensor<1x32xf32>
  %k = spec.linear out_in dense ins(%n1, %wk : tensor<1x64xf32>, tensor<32x64xf16>) outs(%k_init : tensor<1x32xf32>) -> tensor<1x32xf32>
  %v_init = tensor.empty() : tensor<1x32xf32>
  %v = spec.linear out_in dense ins(%n1, %wv : tensor<1x64xf32>, tensor<32x64xf16>) outs(%v_init : tensor<1x32xf32>) -> tensor<1x32xf32>
  %qh_split = tensor.expand_shape %q [[0], [1, 2]] output_shape [1, 2, 32] : tensor<1x64xf32> into tensor<1x2x32xf32>
  %qh_init = tensor.empty() : tensor<2x1x32xf32>
  %qh = linalg.transpose ins(%qh_split : tensor<1x2x32xf32>) outs(%qh_init : tensor<2x1x32xf32>) permutation = [1, 0, 2]
  %kh_split = tensor.expand_shape %k [[0], [1, 2]] output_shape [1, 1, 32] : tensor<1x32xf32> into tensor<1x1x32xf32>
  %kh_init = tensor.empty() : tensor<1x1x32xf32>
  %kh = linalg.transpose ins(%kh_split : tensor<1x1x32xf32>) outs(%kh_init : tensor<1x1x32xf32>) permutation = [1, 0, 2]
  %vh_split = tensor.expand_shape %v [[0], [1, 2]] output_shape [1, 1, 32] : tensor<1x32xf32> into tensor<1x1x32xf32>
  %vh_init = tensor.empty() : tensor<1x1x32xf32>
  %vh = linalg.transpose ins(%vh_split : tensor<1x1x32xf32>) outs(%vh_init : tensor<1x1x32xf32>) permutation = [1, 0, 2]
  %qr = spec.rope half token_dim 1 ins(%qh, %cos, %sin : tensor<2x1x32xf32>, tensor<1x16xf32>, tensor<1x16xf32>) outs(%qh_init : tensor<2x1x32xf32>) -> tensor<2x1x32xf32>
  %kr = spec.rope half token_dim 1 ins(%kh, %cos, %sin : tensor<1x1x32xf32>, tensor<1x16xf32>, tensor<1x16xf32>) outs(%kh_init : tensor<1x1x32xf32>) -> tensor<1x1x32xf32>
  %kn_init = tensor.empty() : tensor<1x1x32xf16>
  %kn = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]} ins(%kr : tensor<1x1x32xf32>) outs(%kn_init : tensor<1x1x32xf16>) {
  ^bb0(%in: f32, %out: f16):
    %y = arith.truncf %in : f32 to f16
    linalg.yield %y : f16
  } -> tensor<1x1x32xf16>
  %vn_init = tensor.empty() : tensor<1x1x32xf16>
  %vn = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]} ins(%vh : tensor<1x1x32xf32>) outs(%vn_init : tensor<1x1x32xf16>) {
  ^bb0(%in: f32, %out: f16):
    %y = arith.truncf %in : f32 to f16
    linalg.yield %y : f16
  } -> tensor<1x1x32xf16>
  %p = tensor.extract %at[] : tensor<i64>
  %position = arith.index_cast %p : i64 to index
  %a = spec.attention head_major scale 0.17677 ins(%qr, %keys, %values : tensor<2x1x32xf32>, tensor<1x8x32xf16>, tensor<1x8x32xf16>) new(%kn, %vn : tensor<1x1x32xf16>, tensor<1x1x32xf16>)
      position(%position) outs(%qh_init : tensor<2x1x32xf32>) -> tensor<2x1x32xf32>
  %at_init = tensor.empty() : tensor<1x2x32xf32>
  %at_rows = linalg.transpose ins(%a : tensor<2x1x32xf32>) outs(%at_init : tensor<1x2x32xf32>) permutation = [1, 0, 2]
  %am = tensor.collapse_shape %at_rows [[0], [1, 2]] : tensor<1x2x32xf32> into tensor<1x64xf32>
  %o_init = tensor.empty() : tensor<1x64xf32>
  %o = spec.linear out_in dense ins(%am, %wo : tensor<1x64xf32>, tensor<64x64xf16>) outs(%o_init : tensor<1x64xf32>) -> tensor<1x64xf32>
  %x1 = linalg.add ins(%x, %o : tensor<1x64xf32>, tensor<1x64xf32>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %n2 = spec.norm rms eps 1.0e-5 ins(%x1, %norm2 : tensor<1x64xf32>, tensor<64xf16>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %g_init = tensor.empty() : tensor<1x96xf32>
  %g = spec.linear out_in dense ins(%n2, %gate : tensor<1x64xf32>, tensor<96x64xf16>) outs(%g_init : tensor<1x96xf32>) -> tensor<1x96xf32>
  %u_init = tensor.empty() : tensor<1x96xf32>
  %u = spec.linear out_in dense ins(%n2, %up : tensor<1x64xf32>, tensor<96x64xf16>) outs(%u_init : tensor<1x96xf32>) -> tensor<1x96xf32>
  %act = spec.activation silu ins(%g : tensor<1x96xf32>) gates(%u : tensor<1x96xf32>) outs(%g_init : tensor<1x96xf32>) -> tensor<1x96xf32>
  %d_init = tensor.empty() : tensor<1x64xf32>
  %d = spec.linear out_in dense ins(%act, %down : tensor<1x96xf32>, tensor<64x96xf16>) outs(%d_init : tensor<1x64xf32>) -> tensor<1x64xf32>
  %x2 = linalg.add ins(%x1, %d : tensor<1x64xf32>, tensor<1x64xf32>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %n3 = spec.norm rms eps 1.0e-5 ins(%x2, %norm3 : tensor<1x64xf32>, tensor<64xf16>) outs(%wide : tensor<1x64xf32>) -> tensor<1x64xf32>
  %logits_init = tensor.empty() : tensor<1x128xf32>
  %logits = spec.linear out_in dense ins(%n3, %head : tensor<1x64xf32>, tensor<128x64xf16>) outs(%logits_init : tensor<1x128xf32>) -> tensor<1x128xf32>
  return %logits, %kn, %vn : tensor<1x128xf32>, tensor<1x1x32xf16>, tensor<1x1x32xf16>
}
func.func @large(%tokens: tensor<3xi64>, %at: tensor<i64>, %keys: tensor<1x8x32xf16>, %values: tensor<1x8x32xf16>, %table: tensor<128x64xi8>, %norm1: tensor<64xf16>, %wq: tensor<64x32xi8>, %wk: tensor<32x32xi8>, %wv: tensor<32x32xi8>, %wo: tensor<64x32xi8>, %norm2: tensor<64xf16>, %gate: tensor<96x32xi8>, %up: tensor<96x32xi8>, %down: tensor<64x48xi8>, %norm3: tensor<64xf16>, %head: tensor<128x32xi8>, %cos: tensor<3x16xf32>, %sin: tensor<3x16xf32>, %table_scale: tensor<128xf16>, %wq_scale: tensor<64x2xf16>, %wk_scale: tensor<32x2xf16>, %wv_scale: tensor<32x2xf16>, %wo_scale: tensor<64x2xf16>, %gate_scale: tensor<96x2xf16>, %up_scale: tensor<96x2xf16>, %down_scale: tensor<64x3xf16>, %head_scale: tensor<128x2xf16>)
    -> (tensor<3xi64>, tensor<1x8x32xf16>, tensor<1x8x32xf16>) {
  %wide = tensor.empty() : tensor<3x64xf32>
  %x = spec.embedding i8 ins(%tokens, %table : tensor<3xi64>, tensor<128x64xi8>) scale(%table_scale : tensor<128xf16>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %n1 = spec.norm rms eps 1.0e-5 ins(%x, %norm1 : tensor<3x64xf32>, tensor<64xf16>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %q_init = tensor.empty() : tensor<3x64xf32>
  %q = spec.linear out_in i4 group 32 ins(%n1, %wq : tensor<3x64xf32>, tensor<64x32xi8>) scale(%wq_scale : tensor<64x2xf16>)
      outs(%q_init : tensor<3x64xf32>) -> tensor<3x64xf32>
  %k_init = tensor.empty() : tensor<3x32xf32>
  %k = spec.linear out_in i4 group 32 ins(%n1, %wk : tensor<3x64xf32>, tensor<32x32xi8>) scale(%wk_scale : tensor<32x2xf16>)
      outs(%k_init : tensor<3x32xf32>) -> tensor<3x32xf32>
  %v_init = tensor.empty() : tensor<3x32xf32>
  %v = spec.linear out_in i4 group 32 ins(%n1, %wv : tensor<3x64xf32>, tensor<32x32xi8>) scale(%wv_scale : tensor<32x2xf16>)
      outs(%v_init : tensor<3x32xf32>) -> tensor<3x32xf32>
  %qh_split = tensor.expand_shape %q [[0], [1, 2]] output_shape [3, 2, 32] : tensor<3x64xf32> into tensor<3x2x32xf32>
  %qh_init = tensor.empty() : tensor<2x3x32xf32>
  %qh = linalg.transpose ins(%qh_split : tensor<3x2x32xf32>) outs(%qh_init : tensor<2x3x32xf32>) permutation = [1, 0, 2]
  %kh_split = tensor.expand_shape %k [[0], [1, 2]] output_shape [3, 1, 32] : tensor<3x32xf32> into tensor<3x1x32xf32>
  %kh_init = tensor.empty() : tensor<1x3x32xf32>
  %kh = linalg.transpose ins(%kh_split : tensor<3x1x32xf32>) outs(%kh_init : tensor<1x3x32xf32>) permutation = [1, 0, 2]
  %vh_split = tensor.expand_shape %v [[0], [1, 2]] output_shape [3, 1, 32] : tensor<3x32xf32> into tensor<3x1x32xf32>
  %vh_init = tensor.empty() : tensor<1x3x32xf32>
  %vh = linalg.transpose ins(%vh_split : tensor<3x1x32xf32>) outs(%vh_init : tensor<1x3x32xf32>) permutation = [1, 0, 2]
  %qr = spec.rope half token_dim 1 ins(%qh, %cos, %sin : tensor<2x3x32xf32>, tensor<3x16xf32>, tensor<3x16xf32>) outs(%qh_init : tensor<2x3x32xf32>) -> tensor<2x3x32xf32>
  %kr = spec.rope half token_dim 1 ins(%kh, %cos, %sin : tensor<1x3x32xf32>, tensor<3x16xf32>, tensor<3x16xf32>) outs(%kh_init : tensor<1x3x32xf32>) -> tensor<1x3x32xf32>
  %kn_init = tensor.empty() : tensor<1x3x32xf16>
  %kn = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]} ins(%kr : tensor<1x3x32xf32>) outs(%kn_init : tensor<1x3x32xf16>) {
  ^bb0(%in: f32, %out: f16):
    %y = arith.truncf %in : f32 to f16
    linalg.yield %y : f16
  } -> tensor<1x3x32xf16>
  %vn_init = tensor.empty() : tensor<1x3x32xf16>
  %vn = linalg.generic {indexing_maps = [#same, #same], iterator_types = ["parallel", "parallel", "parallel"]} ins(%vh : tensor<1x3x32xf32>) outs(%vn_init : tensor<1x3x32xf16>) {
  ^bb0(%in: f32, %out: f16):
    %y = arith.truncf %in : f32 to f16
    linalg.yield %y : f16
  } -> tensor<1x3x32xf16>
  %p = tensor.extract %at[] : tensor<i64>
  %position = arith.index_cast %p : i64 to index
  %keys_now = tensor.insert_slice %kn into %keys[0, %position, 0] [1, 3, 32] [1, 1, 1] : tensor<1x3x32xf16> into tensor<1x8x32xf16>
  %values_now = tensor.insert_slice %vn into %values[0, %position, 0] [1, 3, 32] [1, 1, 1] : tensor<1x3x32xf16> into tensor<1x8x32xf16>
  %a = spec.attention head_major scale 0.17677 ins(%qr, %keys_now, %values_now : tensor<2x3x32xf32>, tensor<1x8x32xf16>, tensor<1x8x32xf16>)
      position(%position) outs(%qh_init : tensor<2x3x32xf32>) -> tensor<2x3x32xf32>
  %at_init = tensor.empty() : tensor<3x2x32xf32>
  %at_rows = linalg.transpose ins(%a : tensor<2x3x32xf32>) outs(%at_init : tensor<3x2x32xf32>) permutation = [1, 0, 2]
  %am = tensor.collapse_shape %at_rows [[0], [1, 2]] : tensor<3x2x32xf32> into tensor<3x64xf32>
  %o_init = tensor.empty() : tensor<3x64xf32>
  %o = spec.linear out_in i4 group 32 ins(%am, %wo : tensor<3x64xf32>, tensor<64x32xi8>) scale(%wo_scale : tensor<64x2xf16>)
      outs(%o_init : tensor<3x64xf32>) -> tensor<3x64xf32>
  %x1 = linalg.add ins(%x, %o : tensor<3x64xf32>, tensor<3x64xf32>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %n2 = spec.norm rms eps 1.0e-5 ins(%x1, %norm2 : tensor<3x64xf32>, tensor<64xf16>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %g_init = tensor.empty() : tensor<3x96xf32>
  %g = spec.linear out_in i4 group 32 ins(%n2, %gate : tensor<3x64xf32>, tensor<96x32xi8>) scale(%gate_scale : tensor<96x2xf16>)
      outs(%g_init : tensor<3x96xf32>) -> tensor<3x96xf32>
  %u_init = tensor.empty() : tensor<3x96xf32>
  %u = spec.linear out_in i4 group 32 ins(%n2, %up : tensor<3x64xf32>, tensor<96x32xi8>) scale(%up_scale : tensor<96x2xf16>)
      outs(%u_init : tensor<3x96xf32>) -> tensor<3x96xf32>
  %act = spec.activation silu ins(%g : tensor<3x96xf32>) gates(%u : tensor<3x96xf32>) outs(%g_init : tensor<3x96xf32>) -> tensor<3x96xf32>
  %d_init = tensor.empty() : tensor<3x64xf32>
  %d = spec.linear out_in i4 group 32 ins(%act, %down : tensor<3x96xf32>, tensor<64x48xi8>) scale(%down_scale : tensor<64x3xf16>)
      outs(%d_init : tensor<3x64xf32>) -> tensor<3x64xf32>
  %x2 = linalg.add ins(%x1, %d : tensor<3x64xf32>, tensor<3x64xf32>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %n3 = spec.norm rms eps 1.0e-5 ins(%x2, %norm3 : tensor<3x64xf32>, tensor<64xf16>) outs(%wide : tensor<3x64xf32>) -> tensor<3x64xf32>
  %logits_init = tensor.empty() : tensor<3x128xf32>
  %logits = spec.linear out_in i4 group 32 ins(%n3, %head : tensor<3x64xf32>, tensor<128x32xi8>) scale(%head_scale : tensor<128x2xf16>)
      outs(%logits_init : tensor<3x128xf32>) -> tensor<3x128xf32>
  %ids_init = tensor.empty() : tensor<3xi64>
  %ids = spec.argmax ins(%logits : tensor<3x128xf32>) outs(%ids_init : tensor<3xi64>) -> tensor<3xi64>
  return %ids, %keys_now, %values_now : tensor<3xi64>, tensor<1x8x32xf16>, tensor<1x8x32xf16>
}
