// arg: --spec-finish-spirv=storage-only=Float16
spirv.module @m Logical GLSL450 requires #spirv.vce<v1.0, [Shader, StorageBuffer16BitAccess, Float16], [SPV_KHR_16bit_storage]> {
  spirv.func @k(%h: !spirv.ptr<f16, StorageBuffer>) "None" {
    %0 = spirv.Load "StorageBuffer" %h : f16
    %1 = spirv.FAdd %0, %0 : f16
    spirv.Store "StorageBuffer" %h, %1 : f16
    spirv.Return
  }
}
