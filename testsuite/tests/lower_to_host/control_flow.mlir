// Regions nested in the draft region, with several blocks, are copied with their uses; rounds may nest.
func.func @nested(%last: tensor<1xi64>, %pos: index, %flag: i1, %k: tensor<4xi64>) -> (tensor<2xi64>, index, tensor<4xi64>) {
  %tok, %n, %s = spec.round greedy draft_length 1 last(%last : tensor<1xi64>) position(%pos : index) draft(%k : tensor<4xi64>) {
  ^bb0(%t: tensor<1xi64>, %p: index, %c: tensor<4xi64>):
    %0 = scf.execute_region -> tensor<1xi64> {
      cf.cond_br %flag, ^bb1, ^bb2(%t : tensor<1xi64>)
    ^bb1:
      %u = arith.addi %t, %t : tensor<1xi64>
      cf.br ^bb2(%u : tensor<1xi64>)
    ^bb2(%v: tensor<1xi64>):
      scf.yield %v : tensor<1xi64>
    }
    %in, %m = spec.round greedy draft_length 0 last(%0 : tensor<1xi64>) position(%p : index) verify() {
    ^bb0(%x: tensor<1xi64>, %q: index):
      spec.yield %x : tensor<1xi64>
    } : tensor<1xi64>
    spec.yield %in, %c : tensor<1xi64>, tensor<4xi64>
  } verify() {
  ^bb0(%t: tensor<2xi64>, %p: index):
    spec.yield %t : tensor<2xi64>
  } : tensor<2xi64>
  return %tok, %n, %s : tensor<2xi64>, index, tensor<4xi64>
}
