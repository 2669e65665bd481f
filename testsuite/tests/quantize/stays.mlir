// arg: --spec-quantize=all=i4g64 min-elements=0
// What cannot change stays; a group that does not fit gives way.
func.func @main(%x: tensor<1x64xf32>, %returned: tensor<8x64xf32>, %parts: tensor<8x64xf32>, %both: tensor<64x64xf32>,
                %x96: tensor<1x96xf32>, %w96: tensor<8x96xf32>, %x48: tensor<1x48xf32>, %w48: tensor<8x48xf32>,
                %v48: tensor<8x48xf32>, %packed: tensor<8x64xi8>, %scale: tensor<8xf32>)
    -> (tensor<1x8xf32>, tensor<8x64xf32>, tensor<1x4xf32>, tensor<1x64xf32>) {
  %e = tensor.empty() : tensor<1x8xf32>
  %0 = spec.linear out_in dense ins(%x, %returned : tensor<1x64xf32>, tensor<8x64xf32>) outs(%e : tensor<1x8xf32>) -> tensor<1x8xf32>
  %rows = tensor.extract_slice %parts[4, 0] [4, 64] [1, 1] : tensor<8x64xf32> to tensor<4x64xf32>
  %e4 = tensor.empty() : tensor<1x4xf32>
  %1 = spec.linear out_in dense ins(%x, %rows : tensor<1x64xf32>, tensor<4x64xf32>) outs(%e4 : tensor<1x4xf32>) -> tensor<1x4xf32>
  %e64 = tensor.empty() : tensor<1x64xf32>
  %2 = spec.linear out_in dense ins(%x, %both : tensor<1x64xf32>, tensor<64x64xf32>) outs(%e64 : tensor<1x64xf32>) -> tensor<1x64xf32>
  %3 = spec.linear in_out dense ins(%2, %both : tensor<1x64xf32>, tensor<64x64xf32>) outs(%e64 : tensor<1x64xf32>) -> tensor<1x64xf32>
  %4 = spec.linear out_in dense ins(%x96, %w96 : tensor<1x96xf32>, tensor<8x96xf32>) outs(%0 : tensor<1x8xf32>) -> tensor<1x8xf32>
  %5 = spec.linear out_in dense ins(%x48, %w48 : tensor<1x48xf32>, tensor<8x48xf32>) outs(%4 : tensor<1x8xf32>) -> tensor<1x8xf32>
  %6 = spec.linear out_in dense ins(%x48, %v48 : tensor<1x48xf32>, tensor<8x48xf32>) outs(%5 : tensor<1x8xf32>) -> tensor<1x8xf32>
  %7 = spec.linear out_in i8 ins(%x, %packed : tensor<1x64xf32>, tensor<8x64xi8>) scale(%scale : tensor<8xf32>) outs(%6 : tensor<1x8xf32>) -> tensor<1x8xf32>
  return %7, %returned, %1, %3 : tensor<1x8xf32>, tensor<8x64xf32>, tensor<1x4xf32>, tensor<1x64xf32>
}
