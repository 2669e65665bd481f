// Heads of several tokens: what a product gives is read in place.
func.func @transposed(%x: memref<3x32xf32>, %c: memref<3x4xf32>, %s: memref<3x4xf32>, %y: memref<4x3x8xf32>) -> memref<4x3x8xf32> {
  %heads = memref.expand_shape %x [[0], [1, 2]] output_shape [3, 4, 8] : memref<3x32xf32> into memref<3x4x8xf32>
  %a = memref.alloc() : memref<4x3x8xf32>
  linalg.transpose ins(%heads : memref<3x4x8xf32>) outs(%a : memref<4x3x8xf32>) permutation = [1, 0, 2]
  spec.rope half token_dim 1 ins(%a, %c, %s : memref<4x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%y : memref<4x3x8xf32>)
  return %y : memref<4x3x8xf32>
}

// The same as a generic op, of a part of a product of all three, with a loop of one trip; both readers read in place.
#in = affine_map<(b, h, m, d) -> (m, h, d)>
#out = affine_map<(b, h, m, d) -> (b, h, m, d)>
func.func @generic(%qkv: memref<3x48xf32>, %k: memref<2x16x8xf32>, %v: memref<2x16x8xf32>, %new: memref<2x3x8xf32>, %p: index, %y: memref<2x3x8xf32>,
                   %z: memref<2x3x8xf32>) -> (memref<2x3x8xf32>, memref<2x3x8xf32>) {
  %q = memref.subview %qkv[0, 16] [3, 16] [1, 1] : memref<3x48xf32> to memref<3x16xf32, strided<[48, 1], offset: 16>>
  %heads = memref.expand_shape %q [[0], [1, 2]] output_shape [3, 2, 8] : memref<3x16xf32, strided<[48, 1], offset: 16>> into memref<3x2x8xf32, strided<[48, 8, 1], offset: 16>>
  %a = memref.alloc() : memref<1x2x3x8xf32>
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
    ins(%heads : memref<3x2x8xf32, strided<[48, 8, 1], offset: 16>>) outs(%a : memref<1x2x3x8xf32>) {
  ^bb0(%in: f32, %o: f32):
    linalg.yield %in : f32
  }
  %b = memref.collapse_shape %a [[0, 1], [2], [3]] : memref<1x2x3x8xf32> into memref<2x3x8xf32>
  spec.attention head_major scale 0.5 ins(%b, %k, %v : memref<2x3x8xf32>, memref<2x16x8xf32>, memref<2x16x8xf32>)
    new(%new, %new : memref<2x3x8xf32>, memref<2x3x8xf32>) position(%p) outs(%y : memref<2x3x8xf32>)
  memref.copy %b, %z : memref<2x3x8xf32> to memref<2x3x8xf32>
  return %y, %z : memref<2x3x8xf32>, memref<2x3x8xf32>
}

// One token: dimensions of size 1 move freely.
func.func @one_token(%x: memref<1x32xf32>, %c: memref<1x4xf32>, %s: memref<1x4xf32>, %y: memref<4x1x8xf32>) -> memref<4x1x8xf32> {
  %heads = memref.expand_shape %x [[0], [1, 2]] output_shape [1, 4, 8] : memref<1x32xf32> into memref<1x4x8xf32>
  %a = memref.alloc() : memref<4x1x8xf32>
  linalg.transpose ins(%heads : memref<1x4x8xf32>) outs(%a : memref<4x1x8xf32>) permutation = [1, 0, 2]
  spec.rope interleaved token_dim 1 ins(%a, %c, %s : memref<4x1x8xf32>, memref<1x4xf32>, memref<1x4xf32>) outs(%y : memref<4x1x8xf32>)
  return %y : memref<4x1x8xf32>
}

// Through a view of the copy, and a copy of the copy.
func.func @chain(%x: memref<3x16xf32>, %w: memref<16xf32>, %y: memref<2x16xf32>) -> memref<2x16xf32> {
  %a = memref.alloc() : memref<3x16xf32>
  memref.copy %x, %a : memref<3x16xf32> to memref<3x16xf32>
  %last = memref.subview %a[1, 0] [2, 16] [1, 1] : memref<3x16xf32> to memref<2x16xf32, strided<[16, 1], offset: 16>>
  %b = memref.alloc() : memref<2x16xf32>
  linalg.copy ins(%last : memref<2x16xf32, strided<[16, 1], offset: 16>>) outs(%b : memref<2x16xf32>)
  spec.norm rms eps 1.0e-5 ins(%b, %w : memref<2x16xf32>, memref<16xf32>) outs(%y : memref<2x16xf32>)
  return %y : memref<2x16xf32>
}
