// arg: --pass-pipeline=builtin.module(gpu.module(map-memref-spirv-storage-class{client-api=vulkan},gpu.func(scf-for-to-while),canonicalize,cse,convert-math-to-spirv),convert-gpu-to-spirv,spirv.module(spirv-lower-abi-attrs,canonicalize,cse,spirv-update-vce),spec-finish-spirv)
#target = #spirv.target_env<#spirv.vce<v1.6, [Shader], [SPV_KHR_storage_buffer_storage_class]>, api=Vulkan, #spirv.resource_limits<>>
module attributes {gpu.container_module} {
  gpu.module @kernels attributes {spirv.target_env = #target} {
    gpu.func @k(%b0: memref<?xbf16>, %b1: memref<?xf32>) kernel
        attributes {spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>} {
      %i = gpu.thread_id x
      %w = memref.load %b0[%i] : memref<?xbf16>
      memref.store %w, %b0[%i] : memref<?xbf16>
      gpu.return
    }
  }
}
