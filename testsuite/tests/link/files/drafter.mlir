module {
  ml_program.global private @table(dense<1.0> : tensor<4xf32>) : tensor<4xf32>
  func.func private @norm(%x: tensor<4xf32>) -> tensor<4xf32> {
    return %x : tensor<4xf32>
  }
  func.func @main() -> tensor<4xf32> {
    %0 = ml_program.global_load_const @table : tensor<4xf32>
    %1 = call @norm(%0) : (tensor<4xf32>) -> tensor<4xf32>
    return %1 : tensor<4xf32>
  }
}
