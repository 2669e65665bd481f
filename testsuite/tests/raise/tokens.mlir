// Embeddings, argmax, softmax.
func.func @gather(%ids: tensor<3x1xi64>, %table: tensor<16x4xf16>) -> tensor<3x4xf16> {
  %0 = tensor.gather %table[%ids] gather_dims([0]) : (tensor<16x4xf16>, tensor<3x1xi64>) -> tensor<3x4xf16>
  return %0 : tensor<3x4xf16>
}

func.func @clamped(%ids: tensor<1x3xi32>, %table: tensor<16x4xf32>) -> tensor<1x3x4xf32> {
  %zero = arith.constant 0 : i32
  %last = arith.constant 15 : i32
  %0 = tensor.empty() : tensor<1x3x4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, m, d) -> (b, m)>, affine_map<(b, m, d) -> (b, m, d)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids : tensor<1x3xi32>) outs(%0 : tensor<1x3x4xf32>) {
  ^bb0(%id: i32, %out: f32):
    %a = arith.maxsi %id, %zero : i32
    %b = arith.minsi %a, %last : i32
    %c = arith.index_cast %b : i32 to index
    %d = linalg.index 2 : index
    %x = tensor.extract %table[%c, %d] : tensor<16x4xf32>
    linalg.yield %x : f32
  } -> tensor<1x3x4xf32>
  return %1 : tensor<1x3x4xf32>
}

#id = affine_map<(m, v) -> (m, v)>
#row = affine_map<(m, v) -> (m)>

func.func @argmax(%x: tensor<2x8xf32>) -> tensor<2xi64> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %0 = tensor.empty() : tensor<2xf32>
  %1 = linalg.fill ins(%low : f32) outs(%0 : tensor<2xf32>) -> tensor<2xf32>
  %2 = tensor.empty() : tensor<2xi64>
  %3 = linalg.fill ins(%zero : i64) outs(%2 : tensor<2xi64>) -> tensor<2xi64>
  %4:2 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<2x8xf32>) outs(%1, %3 : tensor<2xf32>, tensor<2xi64>) {
  ^bb0(%a: f32, %best: f32, %place: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %m = arith.maximumf %a, %best : f32
    %c = arith.cmpf ogt, %a, %best : f32
    %k = arith.select %c, %j, %place : i64
    linalg.yield %m, %k : f32, i64
  } -> (tensor<2xf32>, tensor<2xi64>)
  return %4#1 : tensor<2xi64>
}

// the last of equal ones wins: that is another function
func.func @last_argmax(%x: tensor<2x8xf32>) -> tensor<2xi64> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %0 = tensor.empty() : tensor<2xf32>
  %1 = linalg.fill ins(%low : f32) outs(%0 : tensor<2xf32>) -> tensor<2xf32>
  %2 = tensor.empty() : tensor<2xi64>
  %3 = linalg.fill ins(%zero : i64) outs(%2 : tensor<2xi64>) -> tensor<2xi64>
  %4:2 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<2x8xf32>) outs(%1, %3 : tensor<2xf32>, tensor<2xi64>) {
  ^bb0(%a: f32, %best: f32, %place: i64):
    %i = linalg.index 1 : index
    %j = arith.index_cast %i : index to i64
    %m = arith.maximumf %a, %best : f32
    %c = arith.cmpf oge, %a, %best : f32
    %k = arith.select %c, %j, %place : i64
    linalg.yield %m, %k : f32, i64
  } -> (tensor<2xf32>, tensor<2xi64>)
  return %4#1 : tensor<2xi64>
}

func.func @softmax(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %0 = tensor.empty() : tensor<2xf32>
  %1 = linalg.fill ins(%low : f32) outs(%0 : tensor<2xf32>) -> tensor<2xf32>
  %max = linalg.reduce { arith.maximumf } ins(%x : tensor<2x8xf32>) outs(%1 : tensor<2xf32>) dimensions = [1]
  %2 = tensor.empty() : tensor<2x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %max : tensor<2x8xf32>, tensor<2xf32>) outs(%2 : tensor<2x8xf32>) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %b = arith.subf %a, %m : f32
    %c = math.exp %b : f32
    linalg.yield %c : f32
  } -> tensor<2x8xf32>
  %4 = linalg.fill ins(%zero : f32) outs(%0 : tensor<2xf32>) -> tensor<2xf32>
  %sum = linalg.reduce { arith.addf } ins(%3 : tensor<2x8xf32>) outs(%4 : tensor<2xf32>) dimensions = [1]
  %b = linalg.broadcast ins(%sum : tensor<2xf32>) outs(%2 : tensor<2x8xf32>) dimensions = [1]
  %5 = linalg.div ins(%3, %b : tensor<2x8xf32>, tensor<2x8xf32>) outs(%2 : tensor<2x8xf32>) -> tensor<2x8xf32>
  return %5 : tensor<2x8xf32>
}
