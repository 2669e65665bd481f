// arg: --spec-partition=soc=unit alpha=0.99 force-drafter=gpu force-target=cpu max-draft-length=2 any-entry=true
// Both inlined: the token crosses.
#id = affine_map<(m, h) -> (m, h)>
#token = affine_map<(m, h) -> (m)>
module {
  func.func @main(%tokens: tensor<1xi64>, %dtable: tensor<16x2xf32>, %dhead: tensor<2x16xf32>, %table: tensor<16x8xf32>, %head: tensor<8x16xf32>) -> (tensor<1xi64>, tensor<1x16xf32>) {
    %dzero = arith.constant 0.0 : f32
    %d0 = tensor.empty() : tensor<1x2xf32>
    %dx = linalg.generic {indexing_maps = [#token, #id], iterator_types = ["parallel", "parallel"]} ins(%tokens : tensor<1xi64>) outs(%d0 : tensor<1x2xf32>) {
    ^bb0(%t: i64, %o: f32):
      %row = arith.index_cast %t : i64 to index
      %column = linalg.index 1 : index
      %value = tensor.extract %dtable[%row, %column] : tensor<16x2xf32>
      linalg.yield %value : f32
    } -> tensor<1x2xf32>
    %d1 = tensor.empty() : tensor<1x16xf32>
    %d2 = linalg.fill ins(%dzero : f32) outs(%d1 : tensor<1x16xf32>) -> tensor<1x16xf32>
    %dlogits = linalg.matmul ins(%dx, %dhead : tensor<1x2xf32>, tensor<2x16xf32>) outs(%d2 : tensor<1x16xf32>) -> tensor<1x16xf32>
    %dlow = arith.constant 0xFF800000 : f32
    %dnone = arith.constant 0 : i64
    %d3 = tensor.empty() : tensor<1xf32>
    %d4 = linalg.fill ins(%dlow : f32) outs(%d3 : tensor<1xf32>) -> tensor<1xf32>
    %d5 = tensor.empty() : tensor<1xi64>
    %d6 = linalg.fill ins(%dnone : i64) outs(%d5 : tensor<1xi64>) -> tensor<1xi64>
    %dbest:2 = linalg.generic {indexing_maps = [#id, #token, #token], iterator_types = ["parallel", "reduction"]} ins(%dlogits : tensor<1x16xf32>) outs(%d4, %d6 : tensor<1xf32>, tensor<1xi64>) {
    ^bb0(%l: f32, %m: f32, %at: i64):
      %c = linalg.index 1 : index
      %i = arith.index_cast %c : index to i64
      %g = arith.cmpf ogt, %l, %m : f32
      %a = arith.select %g, %l, %m : f32
      %b = arith.select %g, %i, %at : i64
      linalg.yield %a, %b : f32, i64
    } -> (tensor<1xf32>, tensor<1xi64>)
    %tzero = arith.constant 0.0 : f32
    %t0 = tensor.empty() : tensor<1x8xf32>
    %tx = linalg.generic {indexing_maps = [#token, #id], iterator_types = ["parallel", "parallel"]} ins(%dbest#1 : tensor<1xi64>) outs(%t0 : tensor<1x8xf32>) {
    ^bb0(%t: i64, %o: f32):
      %row = arith.index_cast %t : i64 to index
      %column = linalg.index 1 : index
      %value = tensor.extract %table[%row, %column] : tensor<16x8xf32>
      linalg.yield %value : f32
    } -> tensor<1x8xf32>
    %t1 = tensor.empty() : tensor<1x16xf32>
    %t2 = linalg.fill ins(%tzero : f32) outs(%t1 : tensor<1x16xf32>) -> tensor<1x16xf32>
    %tlogits = linalg.matmul ins(%tx, %head : tensor<1x8xf32>, tensor<8x16xf32>) outs(%t2 : tensor<1x16xf32>) -> tensor<1x16xf32>
    return %dbest#1, %tlogits : tensor<1xi64>, tensor<1x16xf32>
  }
}
