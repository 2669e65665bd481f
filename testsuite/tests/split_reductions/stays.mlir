// arg: --spec-split-reductions
// What cannot be split, or needs not.
#row = affine_map<(d0, d1) -> (d0, d1)>
#out = affine_map<(d0, d1) -> (d0)>
func.func @short(%w: memref<4x31xf32>, %x: memref<31xf32>, %y: memref<4xf32>) {
  linalg.matvec ins(%w, %x : memref<4x31xf32>, memref<31xf32>) outs(%y : memref<4xf32>)
  return
}

func.func @dynamic(%w: memref<4x?xf32>, %x: memref<?xf32>, %y: memref<4xf32>) {
  linalg.matvec ins(%w, %x : memref<4x?xf32>, memref<?xf32>) outs(%y : memref<4xf32>)
  return
}

func.func @tensors(%w: tensor<4x64xf32>, %x: tensor<64xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = linalg.matvec ins(%w, %x : tensor<4x64xf32>, tensor<64xf32>) outs(%y : tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func @integers(%w: memref<4x64xi32>, %x: memref<64xi32>, %y: memref<4xi32>) {
  linalg.matvec ins(%w, %x : memref<4x64xi32>, memref<64xi32>) outs(%y : memref<4xi32>)
  return
}

// Neither input is contiguous anywhere.
func.func @strided(%w: memref<4x64xf32, strided<[128, 2]>>, %x: memref<64xf32, strided<[2]>>, %y: memref<4xf32>) {
  linalg.matvec ins(%w, %x : memref<4x64xf32, strided<[128, 2]>>, memref<64xf32, strided<[2]>>) outs(%y : memref<4xf32>)
  return
}

func.func @convolution(%x: memref<70xf32>, %w: memref<7xf32>, %y: memref<64xf32>) {
  linalg.conv_1d ins(%x, %w : memref<70xf32>, memref<7xf32>) outs(%y : memref<64xf32>)
  return
}

// A product, a body that sees the sum twice, a function of the mathematical library, an op that is no function of its operands alone.
func.func @bodies(%x: memref<4x64xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [#row, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.mulf %a, %s : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.mulf %a, %s : f32
    %1 = arith.addf %0, %s : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#row, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = math.erf %a : f32
    %1 = arith.addf %0, %s : f32
    linalg.yield %1 : f32
  }
  linalg.generic {indexing_maps = [#row, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %s: f32):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i32
    %0 = arith.sitofp %j : i32 to f32
    %1 = arith.addf %0, %s : f32
    linalg.yield %1 : f32
  }
  return
}

func.func @two_outputs(%x: memref<4x64xf32>, %y: memref<4xf32>, %z: memref<4xf32>) {
  linalg.generic {indexing_maps = [#row, #out, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<4x64xf32>) outs(%y, %z : memref<4xf32>, memref<4xf32>) {
  ^bb0(%a: f32, %s: f32, %t: f32):
    %0 = arith.addf %a, %s : f32
    %1 = arith.maximumf %a, %t : f32
    linalg.yield %0, %1 : f32, f32
  }
  return
}

// A branch in the body.
func.func @branch(%x: memref<64x64xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, #out], iterator_types = ["parallel", "reduction"]} ins(%x : memref<64x64xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %s: f32):
    %zero = arith.constant 0.0 : f32
    %c = arith.cmpf ogt, %a, %zero : f32
    %b = scf.if %c -> f32 {
      scf.yield %a : f32
    } else {
      scf.yield %zero : f32
    }
    %0 = arith.addf %s, %b : f32
    linalg.yield %0 : f32
  }
  return
}
