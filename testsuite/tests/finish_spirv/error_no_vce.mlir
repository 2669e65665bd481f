spirv.module @m Logical GLSL450 {
}
