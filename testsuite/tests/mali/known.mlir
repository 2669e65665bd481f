gpu.func @KERNEL(%a: memref<?xf32>, %n: memref<?xi32>, %y: memref<?xf32>, %push: memref<3xi32, #spirv.storage_class<PushConstant>>) kernel attributes {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [24, 1, 1]>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %z = arith.constant 0.0 : f32
  %t = gpu.thread_id x
  %b = gpu.block_id x
  %d = gpu.block_dim x
  %o = memref.load %push[%c1] : memref<3xi32, #spirv.storage_class<PushConstant>>
  %oi = arith.index_cast %o : i32 to index
  %ni = memref.load %n[%oi] : memref<?xi32>
  %nn = arith.index_cast %ni : i32 to index
  %w = arith.constant 24 : index
  %bw = arith.muli %b, %w : index
  %r = arith.addi %bw, %t : index
  %rows = arith.constant 40 : index
  %in = arith.cmpi ult, %r, %rows : index
  scf.if %in {
    %s = scf.for %i = %c0 to %nn step %c1 iter_args(%acc = %z) -> f32 {
      %at = arith.muli %i, %rows : index
      %p = arith.addi %at, %r : index
      %v = memref.load %a[%p] : memref<?xf32>
      %m = arith.addf %acc, %v : f32
      scf.yield %m : f32 }
    memref.store %s, %y[%r] : memref<?xf32>
  }
  gpu.return }
