// arg: --spec-quantize=all=i4g32 min-elements=0
// Stacks by layer, [in, out] weights and reshapes: the argument becomes [layers, out, in / 2].
func.func @layers(%x: tensor<1x64xf32>, %s: tensor<3x8x64xf32>, %t: tensor<2x64x2x4xf32>, %u: tensor<2x4x64xf16>,
                  %v: tensor<1x8x64xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %e = tensor.empty() : tensor<1x8xf32>
  %0 = scf.for %i = %c0 to %c3 step %c1 iter_args(%y = %e) -> tensor<1x8xf32> {
    %w = tensor.extract_slice %s[%i, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<3x8x64xf32> to tensor<8x64xf32>
    %z = spec.linear out_in dense ins(%x, %w : tensor<1x64xf32>, tensor<8x64xf32>) outs(%y : tensor<1x8xf32>) -> tensor<1x8xf32>
    scf.yield %z : tensor<1x8xf32>
  }
  %s2 = tensor.extract_slice %s[2, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<3x8x64xf32> to tensor<1x8x64xf32>
  %w2 = tensor.collapse_shape %s2 [[0, 1], [2]] : tensor<1x8x64xf32> into tensor<8x64xf32>
  %1 = spec.linear out_in dense ins(%x, %w2 : tensor<1x64xf32>, tensor<8x64xf32>) outs(%0 : tensor<1x8xf32>) -> tensor<1x8xf32>
  %t1 = tensor.extract_slice %t[1, 0, 0, 0] [1, 64, 2, 4] [1, 1, 1, 1] : tensor<2x64x2x4xf32> to tensor<64x2x4xf32>
  %w3 = tensor.collapse_shape %t1 [[0], [1, 2]] : tensor<64x2x4xf32> into tensor<64x8xf32>
  %2 = spec.linear in_out dense ins(%x, %w3 : tensor<1x64xf32>, tensor<64x8xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  %w4 = tensor.collapse_shape %u [[0, 1], [2]] : tensor<2x4x64xf16> into tensor<8x64xf16>
  %dead = tensor.expand_shape %w4 [[0], [1, 2]] output_shape [8, 8, 8] : tensor<8x64xf16> into tensor<8x8x8xf16>
  %dead2 = arith.negf %w4 : tensor<8x64xf16>
  %3 = spec.linear out_in dense ins(%x, %w4 : tensor<1x64xf32>, tensor<8x64xf16>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  %c = tensor.cast %v : tensor<1x8x64xf32> to tensor<1x8x64xf32>
  %w5 = tensor.extract_slice %c[0, 0, 0] [1, 8, 64] [1, 1, 1] : tensor<1x8x64xf32> to tensor<8x64xf32>
  %4 = spec.linear out_in dense ins(%x, %w5 : tensor<1x64xf32>, tensor<8x64xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %1, %2, %3, %4 : tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>
}
