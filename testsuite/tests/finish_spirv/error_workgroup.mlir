#target = #spirv.target_env<#spirv.vce<v1.6, [Shader], []>, api=Vulkan, #spirv.resource_limits<max_compute_workgroup_invocations = 256>>
spirv.module @m Logical GLSL450 requires #spirv.vce<v1.0, [Shader], []> attributes {spirv.target_env = #target} {
  spirv.func @k() "None" {
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @k
  spirv.ExecutionMode @k "LocalSize", 32, 4, 3
}
