// arg: --pass-pipeline=builtin.module(gpu.module(map-memref-spirv-storage-class{client-api=vulkan},gpu.func(scf-for-to-while),canonicalize,cse,convert-math-to-spirv),convert-gpu-to-spirv,spirv.module(spirv-lower-abi-attrs,canonicalize,cse,spirv-update-vce),spec-finish-spirv)
#target = #spirv.target_env<#spirv.vce<v1.6, [Shader, GroupNonUniform], [SPV_KHR_storage_buffer_storage_class]>, api=Vulkan, #spirv.resource_limits<>>
module attributes {gpu.container_module} {
  // launches find the kernels after as before; memory spaces and constants of the host's function stay
  func.func @run(%a: memref<64xf32>, %b: memref<64xf32>, %n: index) -> index {
    %c1 = arith.constant 1 : index
    spec.launch @kernels::@add groups [1, 1, 1] of [64, 1, 1] (%a, %b : memref<64xf32>, memref<64xf32>) offsets [0, 0] lengths [256, 256] access [0, 2]
    spec.launch @kernels::@fill groups [2, 1, 1] of [64, 1, 1] (%a : memref<64xf32>) offsets [0] lengths [256] access [1]
    %m = arith.addi %n, %c1 : index
    return %m : index
  }
  gpu.module @kernels attributes {spirv.target_env = #target} {
    gpu.func @add(%b0: memref<?xf32> loc("x"), %b1: memref<?xf32> loc("x"), %push: memref<2xi32, #spirv.storage_class<PushConstant>> loc("offsets")) kernel
        attributes {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>} {
      %c0 = arith.constant 0 : index
      %i = gpu.thread_id x
      %p = memref.load %push[%c0] : memref<2xi32, #spirv.storage_class<PushConstant>>
      %o = arith.index_cast %p : i32 to index
      %j = arith.addi %i, %o : index
      %x = memref.load %b0[%j] : memref<?xf32>
      %y = memref.load %b1[%j] : memref<?xf32>
      %z = arith.addf %x, %y : f32
      memref.store %z, %b1[%j] : memref<?xf32>
      gpu.return
    }
    // no names; the second buffer is not used, and keeps its number
    gpu.func @fill(%b0: memref<?xvector<4xf32>>, %b1: memref<?xi32>) kernel
        attributes {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>} {
      %v = arith.constant dense<1.0> : vector<4xf32>
      %i = gpu.thread_id x
      memref.store %v, %b0[%i] : memref<?xvector<4xf32>>
      gpu.return
    }
  }
}
