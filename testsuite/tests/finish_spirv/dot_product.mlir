spirv.module @dot Logical GLSL450 requires #spirv.vce<v1.6, [Shader, DotProduct, DotProductInput4x8BitPacked], [SPV_KHR_storage_buffer_storage_class, SPV_KHR_8bit_storage, SPV_KHR_integer_dot_product]> {
  spirv.GlobalVariable @k_arg_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i32, stride=4> [0])>, StorageBuffer>
  spirv.func @k() "None" {
    %zero = spirv.Constant 0 : i32
    %x = spirv.mlir.addressof @k_arg_0 : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i32, stride=4> [0])>, StorageBuffer>
    %at = spirv.AccessChain %x[%zero, %zero] : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i32, stride=4> [0])>, StorageBuffer>, i32, i32 -> !spirv.ptr<i32, StorageBuffer>
    %0 = spirv.Load "StorageBuffer" %at : i32
    %1 = spirv.SDot %0, %0, <PackedVectorFormat4x8Bit> : i32 -> i32
    spirv.Store "StorageBuffer" %at, %1 : i32
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @k, @k_arg_0
}
