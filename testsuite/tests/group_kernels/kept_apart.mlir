// A normalisation that something else reads, a product that two ops read, one whose result the caller sees, an op in between that needs the old
// contents, one that looks elements of a product up.
func.func @f(%x: memref<1x64xf32>, %g: memref<64xf32>, %w: memref<64x64xf32>, %seen: memref<1x64xf32>, %y: memref<1x64xf32>, %z: memref<1x64xf32>) {
  %h = memref.alloc() : memref<1x64xf32>
  %a = memref.alloc() : memref<1x64xf32>
  spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
  spec.linear out_in dense ins(%h, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  spec.activation silu ins(%a : memref<1x64xf32>) gates(%h : memref<1x64xf32>) outs(%y : memref<1x64xf32>)
  spec.activation relu ins(%a : memref<1x64xf32>) outs(%z : memref<1x64xf32>)
  spec.linear out_in dense ins(%y, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%seen : memref<1x64xf32>)
  spec.activation relu ins(%seen : memref<1x64xf32>) outs(%z : memref<1x64xf32>)
  return
}
func.func @between(%x: memref<1x64xf32>, %w: memref<64x64xf32>, %y: memref<1x64xf32>, %z: memref<1x64xf32>) {
  %a = memref.alloc() : memref<1x64xf32>
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  memref.copy %z, %x : memref<1x64xf32> to memref<1x64xf32>
  spec.activation relu ins(%a : memref<1x64xf32>) outs(%y : memref<1x64xf32>)
  return
}
func.func @looked_up(%x: memref<1x64xf32>, %w: memref<64x64xf32>, %ids: memref<8xi32>, %y: memref<1x64xf32>, %z: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %a = memref.alloc() : memref<1x64xf32>
  spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%a : memref<1x64xf32>)
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
    ins(%ids : memref<8xi32>) outs(%z : memref<8xf32>) {
  ^bb0(%id: i32, %o: f32):
    %i = arith.index_cast %id : i32 to index
    %v = memref.load %a[%c0, %i] : memref<1x64xf32>
    linalg.yield %v : f32
  }
  spec.activation relu ins(%a : memref<1x64xf32>) outs(%y : memref<1x64xf32>)
  return
}
