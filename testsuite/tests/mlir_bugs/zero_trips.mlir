module attributes {spirv.target_env = #spirv.target_env<#spirv.vce<v1.3, [Shader, Int64], []>, #spirv.resource_limits<>>} {
  func.func @sum(%n: index, %init: f32, %x: f32) -> f32 {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %0 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %init) -> f32 {
      %next = arith.addf %sum, %x : f32
      scf.yield %next : f32
    }
    return %0 : f32
  }
}
