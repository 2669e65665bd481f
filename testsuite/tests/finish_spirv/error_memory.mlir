#target = #spirv.target_env<#spirv.vce<v1.6, [Shader], []>, api=Vulkan, #spirv.resource_limits<max_compute_shared_memory_size = 16384>>
spirv.module @m Logical GLSL450 requires #spirv.vce<v1.0, [Shader], []> attributes {spirv.target_env = #target} {
  spirv.GlobalVariable @a : !spirv.ptr<!spirv.struct<(!spirv.array<1000 x vector<4xf32>>)>, Workgroup>
  spirv.GlobalVariable @b : !spirv.ptr<!spirv.struct<(!spirv.array<96 x f32>)>, Workgroup>
  spirv.GlobalVariable @c : !spirv.ptr<!spirv.struct<(!spirv.array<1 x f32>)>, Workgroup>
  // 16384 bytes: fits
  spirv.func @fits() "None" {
    %0 = spirv.mlir.addressof @a : !spirv.ptr<!spirv.struct<(!spirv.array<1000 x vector<4xf32>>)>, Workgroup>
    %1 = spirv.mlir.addressof @b : !spirv.ptr<!spirv.struct<(!spirv.array<96 x f32>)>, Workgroup>
    %2 = spirv.mlir.addressof @b : !spirv.ptr<!spirv.struct<(!spirv.array<96 x f32>)>, Workgroup>
    spirv.Return
  }
  spirv.func @does_not() "None" {
    %0 = spirv.mlir.addressof @a : !spirv.ptr<!spirv.struct<(!spirv.array<1000 x vector<4xf32>>)>, Workgroup>
    %1 = spirv.mlir.addressof @b : !spirv.ptr<!spirv.struct<(!spirv.array<96 x f32>)>, Workgroup>
    %2 = spirv.mlir.addressof @c : !spirv.ptr<!spirv.struct<(!spirv.array<1 x f32>)>, Workgroup>
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @fits
  spirv.EntryPoint "GLCompute" @does_not
}
