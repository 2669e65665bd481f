// arg: --spec-place=soc=unit alpha=0.9 context=0 draft-length=2 force-drafter=cpu force-target=cpu profile=tests/place/profile_of_bundles.toml
// A profile of several bundles: 1 s a draft, 8 s a call of the target, found by the numbers of parameters.
#id = affine_map<(m, h) -> (m, h)>
#token = affine_map<(m, h) -> (m)>
module {
  func.func @draft(%tokens: tensor<1xi64>, %table: tensor<16x2xf32>, %head: tensor<2x16xf32>) -> tensor<1x16xf32> {
    %zero = arith.constant 0.0 : f32
    %0 = tensor.empty() : tensor<1x2xf32>
    %x = linalg.generic {indexing_maps = [#token, #id], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<1xi64>) outs(%0 : tensor<1x2xf32>) {
    ^bb0(%t: i64, %o: f32):
      %row = arith.index_cast %t : i64 to index
      %column = linalg.index 1 : index
      %value = tensor.extract %table[%row, %column] : tensor<16x2xf32>
      linalg.yield %value : f32
    } -> tensor<1x2xf32>
    %1 = tensor.empty() : tensor<1x16xf32>
    %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<1x16xf32>) -> tensor<1x16xf32>
    %logits = linalg.matmul ins(%x, %head : tensor<1x2xf32>, tensor<2x16xf32>) outs(%2 : tensor<1x16xf32>) -> tensor<1x16xf32>
    return %logits : tensor<1x16xf32>
  }
  func.func @verify(%tokens: tensor<3xi64>, %table: tensor<16x8xf32>, %head: tensor<8x16xf32>) -> tensor<3x16xf32> {
    %zero = arith.constant 0.0 : f32
    %0 = tensor.empty() : tensor<3x8xf32>
    %x = linalg.generic {indexing_maps = [#token, #id], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<3xi64>) outs(%0 : tensor<3x8xf32>) {
    ^bb0(%t: i64, %o: f32):
      %row = arith.index_cast %t : i64 to index
      %column = linalg.index 1 : index
      %value = tensor.extract %table[%row, %column] : tensor<16x8xf32>
      linalg.yield %value : f32
    } -> tensor<3x8xf32>
    %1 = tensor.empty() : tensor<3x16xf32>
    %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<3x16xf32>) -> tensor<3x16xf32>
    %logits = linalg.matmul ins(%x, %head : tensor<3x8xf32>, tensor<8x16xf32>) outs(%2 : tensor<3x16xf32>) -> tensor<3x16xf32>
    return %logits : tensor<3x16xf32>
  }
}
