module attributes {spirv.target_env = #spirv.target_env<#spirv.vce<v1.3, [Shader], [SPV_KHR_storage_buffer_storage_class]>, #spirv.resource_limits<>>} {
  func.func @first(%w: memref<64xbf16, #spirv.storage_class<StorageBuffer>>) {
    %c0 = arith.constant 0 : index
    %0 = memref.load %w[%c0] : memref<64xbf16, #spirv.storage_class<StorageBuffer>>
    memref.store %0, %w[%c0] : memref<64xbf16, #spirv.storage_class<StorageBuffer>>
    return
  }
}
