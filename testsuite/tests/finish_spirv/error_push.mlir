spirv.module @m Logical GLSL450 requires #spirv.vce<v1.0, [Shader], []> {
  spirv.GlobalVariable @k_arg_0 : !spirv.ptr<!spirv.struct<(!spirv.array<33 x i32, stride=4> [0])>, PushConstant>
  spirv.func @k() "None" {
    spirv.Return
  }
  spirv.EntryPoint "GLCompute" @k
}
