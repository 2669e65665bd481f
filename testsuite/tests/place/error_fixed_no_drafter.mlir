// arg: --spec-place=soc=unit draft-length=2
// There is nobody to draft.
#id = affine_map<(m, h) -> (m, h)>
#token = affine_map<(m, h) -> (m)>
module {
  func.func @decode(%tokens: tensor<1xi64>, %table: tensor<16x4xf32>, %head: tensor<4x16xf32>) -> tensor<1x16xf32> {
    %zero = arith.constant 0.0 : f32
    %0 = tensor.empty() : tensor<1x4xf32>
    %x = linalg.generic {indexing_maps = [#token, #id], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<1xi64>) outs(%0 : tensor<1x4xf32>) {
    ^bb0(%t: i64, %o: f32):
      %row = arith.index_cast %t : i64 to index
      %column = linalg.index 1 : index
      %value = tensor.extract %table[%row, %column] : tensor<16x4xf32>
      linalg.yield %value : f32
    } -> tensor<1x4xf32>
    %1 = tensor.empty() : tensor<1x16xf32>
    %2 = linalg.fill ins(%zero : f32) outs(%1 : tensor<1x16xf32>) -> tensor<1x16xf32>
    %logits = linalg.matmul ins(%x, %head : tensor<1x4xf32>, tensor<4x16xf32>) outs(%2 : tensor<1x16xf32>) -> tensor<1x16xf32>
    return %logits : tensor<1x16xf32>
  }
}
