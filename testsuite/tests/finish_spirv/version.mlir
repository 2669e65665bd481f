spirv.module @__spv__m Logical GLSL450 requires #spirv.vce<v1.0, [Shader, Matrix], [SPV_KHR_storage_buffer_storage_class]> {
  spirv.GlobalVariable @k_arg_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
  spirv.GlobalVariable @k_arg_1 bind(0, 1) : !spirv.ptr<!spirv.struct<(!spirv.array<1 x i32, stride=4> [0])>, PushConstant>
  spirv.GlobalVariable @size built_in("SubgroupSize") : !spirv.ptr<i32, Input>
  spirv.func @k() "None" {
    %size = spirv.mlir.addressof @size : !spirv.ptr<i32, Input>
    %0 = spirv.Load "Input" %size : i32
    %zero = spirv.Constant 0 : i32
    %x = spirv.mlir.addressof @k_arg_0 : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
    %at = spirv.AccessChain %x[%zero, %0] : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>, i32, i32 -> !spirv.ptr<f32, StorageBuffer>
    %one = spirv.Constant 1.0 : f32
    spirv.Store "StorageBuffer" %at, %one : f32
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @k, @k_arg_0, @k_arg_1, @size
  spirv.ExecutionMode @k "LocalSize", 64, 1, 1
}

gpu.module @m {
  gpu.func @k(%x: memref<?xf32> loc("x"), %push: memref<1xi32> loc("offsets")) kernel {
    gpu.return
  }
}
