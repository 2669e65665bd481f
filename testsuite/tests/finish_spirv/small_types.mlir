// arg: --spec-finish-spirv=storage-only=Int16,Int8
spirv.module @stored Logical GLSL450 requires #spirv.vce<v1.0, [Shader, StorageBuffer16BitAccess, StorageBuffer8BitAccess, Int16, Float16, Int8], [SPV_KHR_16bit_storage, SPV_KHR_8bit_storage]> {
  spirv.GlobalVariable @b0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i16, stride=2> [0])>, StorageBuffer>
  spirv.GlobalVariable @b1 bind(0, 1) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<vector<4xi8>, stride=4> [0])>, StorageBuffer>
  spirv.func @k(%i: !spirv.ptr<i16, StorageBuffer>, %j: !spirv.ptr<vector<4xi8>, StorageBuffer>, %h: !spirv.ptr<f16, StorageBuffer>) "None" {
    %0 = spirv.Load "StorageBuffer" %i : i16
    %1 = spirv.UConvert %0 : i16 to i32
    %2 = spirv.Load "StorageBuffer" %j : vector<4xi8>
    %3 = spirv.SConvert %2 : vector<4xi8> to vector<4xi32>
    %4 = spirv.Load "StorageBuffer" %h : f16
    %5 = spirv.FConvert %4 : f16 to f32
    %6 = spirv.FConvert %5 : f32 to f16
    spirv.Store "StorageBuffer" %h, %6 : f16
    spirv.Return
  }
}

// f16 is added here, and lies in workgroup memory below: the capability stays
spirv.module @computed Logical GLSL450 requires #spirv.vce<v1.0, [Shader, StorageBuffer16BitAccess, Float16, Int8], [SPV_KHR_16bit_storage]> {
  spirv.func @k(%h: !spirv.ptr<f16, StorageBuffer>) "None" {
    %0 = spirv.Load "StorageBuffer" %h : f16
    %1 = spirv.FAdd %0, %0 : f16
    spirv.Store "StorageBuffer" %h, %1 : f16
    spirv.Return
  }
}
spirv.module @shared Logical GLSL450 requires #spirv.vce<v1.0, [Shader, Float16], []> {
  spirv.GlobalVariable @memory : !spirv.ptr<!spirv.struct<(!spirv.array<64 x f16>)>, Workgroup>
}
