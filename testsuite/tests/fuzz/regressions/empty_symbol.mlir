#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0, d1) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
#map4 = affine_map<(d0, d1) -> (d0, 0)>
#map5 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map6 = affine_map<(d0, d1, d2) -> (d1, d2)>
#map7 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map9 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map10 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 9.000000e-01, acceptance_source = "option alpha", tokens_per_second = 11721.159768517777, speedup = 1.000000e+00, baseline = "main on cpu:6:f32, no speculation, 11721.160 tokens/s">} {
  func.func @""(%arg0: tensor<1x1xi64>, %arg1: tensor<i64>, %arg2: tensor<1x1x16x4xf32>, %arg3: tensor<1x1x16x4xf32>, %arg4: tensor<32x8xf32>, %arg5: tensor<8xf32>, %arg6: tensor<8xf32>, %arg7: tensor<8x8xf32>, %arg8: tensor<4x8xf32>, %arg9: tensor<4x8xf32>, %arg10: tensor<8x8xf32>, %arg11: tensor<12x8xf32>, %arg12: tensor<12x8xf32>, %arg13: tensor<8x12xf32>, %arg14: tensor<8xf32>) -> (tensor<1x32xf32>, tensor<1x1x16x4xf32>, tensor<1x1x16x4xf32>) attributes {spec.model = #spec.model<name = "main", role = target, tokens = 1, vocabulary = 32, layers = 1, hidden = 8, heads = 2, kv_heads = 1, head_dim = 4, context_length = 16, parameters = 760, bytes = 3040, dtype = f32, token_args = [0], position_args = [1], cache_args = [2, 3], parameter_args = [4 to 14], logits_results = [0], token_results = [], cache_results = [1, 2], row_results = []>, spec.placement = #spec.placement<role = target, device = "cpu", units = 6, dtype = f32>} {
    %cst = arith.constant -5.000000e-01 : f32
    %cst_0 = arith.constant 1.000000e+04 : f32
    %c16 = arith.constant 16 : index
    %cst_1 = arith.constant 0.000000e+00 : f32
    %cst_2 = arith.constant -1.000000e+30 : f32
    %c0_i64 = arith.constant 0 : i64
    %c32 = arith.constant 32 : index
    %c31_i64 = arith.constant 31 : i64
    %cst_3 = arith.constant 8.000000e+00 : f32
    %cst_4 = arith.constant 1.000000e-05 : f64
    %c0 = arith.constant 0 : index
    %cst_5 = arith.constant 5.000000e-01 : f64
    %cst_6 = arith.constant 0xFF800000 : f32
    %cst_7 = arith.constant 1.000000e+00 : f32
    %collapsed = tensor.collapse_shape %arg0 [[0, 1]] : tensor<1x1xi64> into tensor<1xi64>
    %extracted = tensor.extract %arg1[] : tensor<i64>
    %0 = arith.index_cast %extracted : i64 to index
    %1 = tensor.empty() : tensor<1xi64>
    %2 = arith.index_cast %0 : index to i64
    %3 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%1 : tensor<1xi64>) {
    ^bb0(%out: i64):
      %162 = linalg.index 0 : index
      %163 = arith.index_cast %162 : index to i64
      %164 = arith.addi %163, %2 : i64
      linalg.yield %164 : i64
    } -> tensor<1xi64>
    %4 = tensor.empty() : tensor<2xf32>
    %5 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%4 : tensor<2xf32>) {
    ^bb0(%out: f32):
      %162 = linalg.index 0 : index
      %163 = arith.index_cast %162 : index to i64
      %164 = arith.sitofp %163 : i64 to f32
      %165 = arith.mulf %164, %cst : f32
      %166 = math.powf %cst_0, %165 : f32
      linalg.yield %166 : f32
    } -> tensor<2xf32>
    %6 = tensor.empty() : tensor<1x2xf32>
    %7 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%3, %5 : tensor<1xi64>, tensor<2xf32>) outs(%6 : tensor<1x2xf32>) {
    ^bb0(%in: i64, %in_46: f32, %out: f32):
      %162 = arith.sitofp %in : i64 to f32
      %163 = arith.mulf %162, %in_46 : f32
      linalg.yield %163 : f32
    } -> tensor<1x2xf32>
    %8 = tensor.empty() : tensor<1x2xf32>
    %9 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<1x2xf32>) outs(%8 : tensor<1x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.cos %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x2xf32>
    %10 = tensor.empty() : tensor<1x2xf32>
    %11 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<1x2xf32>) outs(%10 : tensor<1x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.sin %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x2xf32>
    %12 = tensor.empty() : tensor<1x16xi1>
    %13 = linalg.generic {indexing_maps = [#map3], iterator_types = ["parallel", "parallel"]} outs(%12 : tensor<1x16xi1>) {
    ^bb0(%out: i1):
      %162 = linalg.index 0 : index
      %163 = linalg.index 1 : index
      %164 = arith.addi %0, %162 : index
      %165 = arith.cmpi sle, %163, %164 : index
      linalg.yield %165 : i1
    } -> tensor<1x16xi1>
    %14 = tensor.empty() : tensor<1x16xf32>
    %15 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%13 : tensor<1x16xi1>) outs(%14 : tensor<1x16xf32>) {
    ^bb0(%in: i1, %out: f32):
      %162 = arith.select %in, %cst_1, %cst_2 : f32
      linalg.yield %162 : f32
    } -> tensor<1x16xf32>
    %16 = tensor.empty() : tensor<1x8xf32>
    %17 = linalg.generic {indexing_maps = [#map1, #map3], iterator_types = ["parallel", "parallel"]} ins(%collapsed : tensor<1xi64>) outs(%16 : tensor<1x8xf32>) {
    ^bb0(%in: i64, %out: f32):
      %162 = linalg.index 1 : index
      %163 = arith.index_cast %in : i64 to index
      %164 = arith.cmpi slt, %163, %c32 : index
      cf.assert %164, "index must be smaller than dim size"
      %165 = arith.cmpi sge, %in, %c0_i64 : i64
      cf.assert %165, "index must be larger or equal to 0"
      %extracted_46 = tensor.extract %arg4[%163, %162] : tensor<32x8xf32>
      linalg.yield %extracted_46 : f32
    } -> tensor<1x8xf32>
    %18 = tensor.empty() : tensor<1x8xf32>
    %19 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%17, %17 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%18 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %20 = tensor.empty() : tensor<1x1xf32>
    %21 = linalg.fill ins(%cst_1 : f32) outs(%20 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %22 = linalg.generic {indexing_maps = [#map3, #map4], iterator_types = ["parallel", "reduction"]} ins(%19 : tensor<1x8xf32>) outs(%21 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.addf %in, %out : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %23 = tensor.empty() : tensor<1x1xf32>
    %24 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%22 : tensor<1x1xf32>) outs(%23 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.divf %in, %cst_3 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %25 = tensor.empty() : tensor<1x1xf32>
    %26 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%24 : tensor<1x1xf32>) outs(%25 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.truncf %cst_4 : f64 to f32
      %163 = arith.addf %in, %162 : f32
      linalg.yield %163 : f32
    } -> tensor<1x1xf32>
    %27 = tensor.empty() : tensor<1x1xf32>
    %28 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%26 : tensor<1x1xf32>) outs(%27 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.rsqrt %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %29 = tensor.empty() : tensor<1x8xf32>
    %30 = linalg.generic {indexing_maps = [#map3, #map4, #map3], iterator_types = ["parallel", "parallel"]} ins(%17, %28 : tensor<1x8xf32>, tensor<1x1xf32>) outs(%29 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %31 = tensor.empty() : tensor<1x8xf32>
    %32 = linalg.generic {indexing_maps = [#map3, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%30, %arg5 : tensor<1x8xf32>, tensor<8xf32>) outs(%31 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %33 = tensor.empty() : tensor<8x8xf32>
    %transposed = linalg.transpose ins(%arg7 : tensor<8x8xf32>) outs(%33 : tensor<8x8xf32>) permutation = [1, 0] 
    %34 = tensor.empty() : tensor<1x8xf32>
    %35 = linalg.fill ins(%cst_1 : f32) outs(%34 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %36 = linalg.matmul ins(%32, %transposed : tensor<1x8xf32>, tensor<8x8xf32>) outs(%35 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %expanded = tensor.expand_shape %36 [[0], [1, 2]] output_shape [1, 2, 4] : tensor<1x8xf32> into tensor<1x2x4xf32>
    %37 = tensor.empty() : tensor<2x1x4xf32>
    %transposed_8 = linalg.transpose ins(%expanded : tensor<1x2x4xf32>) outs(%37 : tensor<2x1x4xf32>) permutation = [1, 0, 2] 
    %38 = tensor.empty() : tensor<8x4xf32>
    %transposed_9 = linalg.transpose ins(%arg8 : tensor<4x8xf32>) outs(%38 : tensor<8x4xf32>) permutation = [1, 0] 
    %39 = tensor.empty() : tensor<1x4xf32>
    %40 = linalg.fill ins(%cst_1 : f32) outs(%39 : tensor<1x4xf32>) -> tensor<1x4xf32>
    %41 = linalg.matmul ins(%32, %transposed_9 : tensor<1x8xf32>, tensor<8x4xf32>) outs(%40 : tensor<1x4xf32>) -> tensor<1x4xf32>
    %expanded_10 = tensor.expand_shape %41 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %42 = tensor.empty() : tensor<1x1x4xf32>
    %transposed_11 = linalg.transpose ins(%expanded_10 : tensor<1x1x4xf32>) outs(%42 : tensor<1x1x4xf32>) permutation = [1, 0, 2] 
    %43 = tensor.empty() : tensor<8x4xf32>
    %transposed_12 = linalg.transpose ins(%arg9 : tensor<4x8xf32>) outs(%43 : tensor<8x4xf32>) permutation = [1, 0] 
    %44 = tensor.empty() : tensor<1x4xf32>
    %45 = linalg.fill ins(%cst_1 : f32) outs(%44 : tensor<1x4xf32>) -> tensor<1x4xf32>
    %46 = linalg.matmul ins(%32, %transposed_12 : tensor<1x8xf32>, tensor<8x4xf32>) outs(%45 : tensor<1x4xf32>) -> tensor<1x4xf32>
    %expanded_13 = tensor.expand_shape %46 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %47 = tensor.empty() : tensor<1x1x4xf32>
    %transposed_14 = linalg.transpose ins(%expanded_13 : tensor<1x1x4xf32>) outs(%47 : tensor<1x1x4xf32>) permutation = [1, 0, 2] 
    %extracted_slice = tensor.extract_slice %transposed_8[0, 0, 0] [2, 1, 2] [1, 1, 2] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
    %extracted_slice_15 = tensor.extract_slice %transposed_8[0, 0, 1] [2, 1, 2] [1, 1, 2] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
    %48 = tensor.empty() : tensor<2x1x2xf32>
    %49 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice, %9 : tensor<2x1x2xf32>, tensor<1x2xf32>) outs(%48 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %50 = tensor.empty() : tensor<2x1x2xf32>
    %51 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_15, %11 : tensor<2x1x2xf32>, tensor<1x2xf32>) outs(%50 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %52 = tensor.empty() : tensor<2x1x2xf32>
    %53 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%49, %51 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%52 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.subf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %54 = tensor.empty() : tensor<2x1x2xf32>
    %55 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice, %11 : tensor<2x1x2xf32>, tensor<1x2xf32>) outs(%54 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %56 = tensor.empty() : tensor<2x1x2xf32>
    %57 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_15, %9 : tensor<2x1x2xf32>, tensor<1x2xf32>) outs(%56 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %58 = tensor.empty() : tensor<2x1x2xf32>
    %59 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%55, %57 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%58 : tensor<2x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.addf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<2x1x2xf32>
    %expanded_16 = tensor.expand_shape %53 [[0], [1], [2, 3]] output_shape [2, 1, 2, 1] : tensor<2x1x2xf32> into tensor<2x1x2x1xf32>
    %expanded_17 = tensor.expand_shape %59 [[0], [1], [2, 3]] output_shape [2, 1, 2, 1] : tensor<2x1x2xf32> into tensor<2x1x2x1xf32>
    %concat = tensor.concat dim(3) %expanded_16, %expanded_17 : (tensor<2x1x2x1xf32>, tensor<2x1x2x1xf32>) -> tensor<2x1x2x2xf32>
    %collapsed_18 = tensor.collapse_shape %concat [[0], [1], [2, 3]] : tensor<2x1x2x2xf32> into tensor<2x1x4xf32>
    %extracted_slice_19 = tensor.extract_slice %transposed_11[0, 0, 0] [1, 1, 2] [1, 1, 2] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
    %extracted_slice_20 = tensor.extract_slice %transposed_11[0, 0, 1] [1, 1, 2] [1, 1, 2] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
    %60 = tensor.empty() : tensor<1x1x2xf32>
    %61 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_19, %9 : tensor<1x1x2xf32>, tensor<1x2xf32>) outs(%60 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %62 = tensor.empty() : tensor<1x1x2xf32>
    %63 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_20, %11 : tensor<1x1x2xf32>, tensor<1x2xf32>) outs(%62 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %64 = tensor.empty() : tensor<1x1x2xf32>
    %65 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%61, %63 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%64 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.subf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %66 = tensor.empty() : tensor<1x1x2xf32>
    %67 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_19, %11 : tensor<1x1x2xf32>, tensor<1x2xf32>) outs(%66 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %68 = tensor.empty() : tensor<1x1x2xf32>
    %69 = linalg.generic {indexing_maps = [#map5, #map6, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_20, %9 : tensor<1x1x2xf32>, tensor<1x2xf32>) outs(%68 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %70 = tensor.empty() : tensor<1x1x2xf32>
    %71 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%67, %69 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%70 : tensor<1x1x2xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.addf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1x2xf32>
    %expanded_21 = tensor.expand_shape %65 [[0], [1], [2, 3]] output_shape [1, 1, 2, 1] : tensor<1x1x2xf32> into tensor<1x1x2x1xf32>
    %expanded_22 = tensor.expand_shape %71 [[0], [1], [2, 3]] output_shape [1, 1, 2, 1] : tensor<1x1x2xf32> into tensor<1x1x2x1xf32>
    %concat_23 = tensor.concat dim(3) %expanded_21, %expanded_22 : (tensor<1x1x2x1xf32>, tensor<1x1x2x1xf32>) -> tensor<1x1x2x2xf32>
    %collapsed_24 = tensor.collapse_shape %concat_23 [[0], [1], [2, 3]] : tensor<1x1x2x2xf32> into tensor<1x1x4xf32>
    %extracted_slice_25 = tensor.extract_slice %arg2[0, 0, 0, 0] [1, 1, 16, 4] [1, 1, 1, 1] : tensor<1x1x16x4xf32> to tensor<1x1x16x4xf32>
    %collapsed_26 = tensor.collapse_shape %extracted_slice_25 [[0], [1, 2], [3]] : tensor<1x1x16x4xf32> into tensor<1x16x4xf32>
    %72 = tensor.empty() : tensor<1x16x4xf32>
    %73 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_26 : tensor<1x16x4xf32>) outs(%72 : tensor<1x16x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = linalg.index 0 : index
      %163 = linalg.index 1 : index
      %164 = linalg.index 2 : index
      %165 = arith.subi %163, %0 : index
      %166 = arith.maxsi %165, %c0 : index
      %167 = arith.minsi %166, %c0 : index
      %168 = arith.cmpi eq, %165, %167 : index
      %extracted_46 = tensor.extract %collapsed_24[%162, %167, %164] : tensor<1x1x4xf32>
      %169 = arith.select %168, %extracted_46, %in : f32
      linalg.yield %169 : f32
    } -> tensor<1x16x4xf32>
    %extracted_slice_27 = tensor.extract_slice %arg3[0, 0, 0, 0] [1, 1, 16, 4] [1, 1, 1, 1] : tensor<1x1x16x4xf32> to tensor<1x1x16x4xf32>
    %collapsed_28 = tensor.collapse_shape %extracted_slice_27 [[0], [1, 2], [3]] : tensor<1x1x16x4xf32> into tensor<1x16x4xf32>
    %74 = tensor.empty() : tensor<1x16x4xf32>
    %75 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_28 : tensor<1x16x4xf32>) outs(%74 : tensor<1x16x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = linalg.index 0 : index
      %163 = linalg.index 1 : index
      %164 = linalg.index 2 : index
      %165 = arith.subi %163, %0 : index
      %166 = arith.maxsi %165, %c0 : index
      %167 = arith.minsi %166, %c0 : index
      %168 = arith.cmpi eq, %165, %167 : index
      %extracted_46 = tensor.extract %transposed_14[%162, %167, %164] : tensor<1x1x4xf32>
      %169 = arith.select %168, %extracted_46, %in : f32
      linalg.yield %169 : f32
    } -> tensor<1x16x4xf32>
    %collapsed_29 = tensor.collapse_shape %collapsed_18 [[0], [1, 2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
    %expanded_30 = tensor.expand_shape %collapsed_29 [[0, 1], [2]] output_shape [1, 2, 4] : tensor<2x4xf32> into tensor<1x2x4xf32>
    %76 = tensor.empty() : tensor<1x4x16xf32>
    %transposed_31 = linalg.transpose ins(%73 : tensor<1x16x4xf32>) outs(%76 : tensor<1x4x16xf32>) permutation = [0, 2, 1] 
    %77 = tensor.empty() : tensor<1x2x16xf32>
    %78 = linalg.fill ins(%cst_1 : f32) outs(%77 : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
    %79 = linalg.batch_matmul ins(%expanded_30, %transposed_31 : tensor<1x2x4xf32>, tensor<1x4x16xf32>) outs(%78 : tensor<1x2x16xf32>) -> tensor<1x2x16xf32>
    %80 = tensor.empty() : tensor<1x2x16xf32>
    %81 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%79 : tensor<1x2x16xf32>) outs(%80 : tensor<1x2x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.truncf %cst_5 : f64 to f32
      %163 = arith.mulf %in, %162 : f32
      linalg.yield %163 : f32
    } -> tensor<1x2x16xf32>
    %expanded_32 = tensor.expand_shape %81 [[0], [1], [2, 3]] output_shape [1, 2, 1, 16] : tensor<1x2x16xf32> into tensor<1x2x1x16xf32>
    %82 = tensor.empty() : tensor<1x2x1x16xf32>
    %83 = linalg.generic {indexing_maps = [#map7, #map8, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_32, %15 : tensor<1x2x1x16xf32>, tensor<1x16xf32>) outs(%82 : tensor<1x2x1x16xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.addf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x2x1x16xf32>
    %collapsed_33 = tensor.collapse_shape %83 [[0], [1], [2, 3]] : tensor<1x2x1x16xf32> into tensor<1x2x16xf32>
    %84 = tensor.empty() : tensor<1x2xf32>
    %85 = linalg.fill ins(%cst_6 : f32) outs(%84 : tensor<1x2xf32>) -> tensor<1x2xf32>
    %86 = tensor.empty() : tensor<1x2xi64>
    %87 = linalg.fill ins(%c0_i64 : i64) outs(%86 : tensor<1x2xi64>) -> tensor<1x2xi64>
    %88:2 = linalg.generic {indexing_maps = [#map5, #map9, #map9], iterator_types = ["parallel", "parallel", "reduction"]} ins(%collapsed_33 : tensor<1x2x16xf32>) outs(%85, %87 : tensor<1x2xf32>, tensor<1x2xi64>) {
    ^bb0(%in: f32, %out: f32, %out_46: i64):
      %162 = linalg.index 2 : index
      %163 = arith.index_cast %162 : index to i64
      %164 = arith.maximumf %in, %out : f32
      %165 = arith.cmpf ogt, %in, %out : f32
      %166 = arith.select %165, %163, %out_46 : i64
      linalg.yield %164, %166 : f32, i64
    } -> (tensor<1x2xf32>, tensor<1x2xi64>)
    %expanded_34 = tensor.expand_shape %88#0 [[0], [1, 2]] output_shape [1, 2, 1] : tensor<1x2xf32> into tensor<1x2x1xf32>
    %89 = tensor.empty() : tensor<1x2x16xf32>
    %90 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%collapsed_33, %expanded_34 : tensor<1x2x16xf32>, tensor<1x2x1xf32>) outs(%89 : tensor<1x2x16xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.subf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x2x16xf32>
    %91 = tensor.empty() : tensor<1x2x16xf32>
    %92 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%90 : tensor<1x2x16xf32>) outs(%91 : tensor<1x2x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.exp %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x2x16xf32>
    %93 = tensor.empty() : tensor<1x2x1xf32>
    %94 = linalg.fill ins(%cst_1 : f32) outs(%93 : tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
    %95 = linalg.generic {indexing_maps = [#map5, #map10], iterator_types = ["parallel", "parallel", "reduction"]} ins(%92 : tensor<1x2x16xf32>) outs(%94 : tensor<1x2x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.addf %in, %out : f32
      linalg.yield %162 : f32
    } -> tensor<1x2x1xf32>
    %96 = tensor.empty() : tensor<1x2x16xf32>
    %97 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel"]} ins(%92, %95 : tensor<1x2x16xf32>, tensor<1x2x1xf32>) outs(%96 : tensor<1x2x16xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.divf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x2x16xf32>
    %98 = tensor.empty() : tensor<1x2x4xf32>
    %99 = linalg.fill ins(%cst_1 : f32) outs(%98 : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
    %100 = linalg.batch_matmul ins(%97, %75 : tensor<1x2x16xf32>, tensor<1x16x4xf32>) outs(%99 : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
    %collapsed_35 = tensor.collapse_shape %100 [[0, 1], [2]] : tensor<1x2x4xf32> into tensor<2x4xf32>
    %expanded_36 = tensor.expand_shape %collapsed_35 [[0], [1, 2]] output_shape [2, 1, 4] : tensor<2x4xf32> into tensor<2x1x4xf32>
    %101 = tensor.empty() : tensor<1x2x4xf32>
    %transposed_37 = linalg.transpose ins(%expanded_36 : tensor<2x1x4xf32>) outs(%101 : tensor<1x2x4xf32>) permutation = [1, 0, 2] 
    %collapsed_38 = tensor.collapse_shape %transposed_37 [[0], [1, 2]] : tensor<1x2x4xf32> into tensor<1x8xf32>
    %102 = tensor.empty() : tensor<8x8xf32>
    %transposed_39 = linalg.transpose ins(%arg10 : tensor<8x8xf32>) outs(%102 : tensor<8x8xf32>) permutation = [1, 0] 
    %103 = tensor.empty() : tensor<1x8xf32>
    %104 = linalg.fill ins(%cst_1 : f32) outs(%103 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %105 = linalg.matmul ins(%collapsed_38, %transposed_39 : tensor<1x8xf32>, tensor<8x8xf32>) outs(%104 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %106 = tensor.empty() : tensor<1x8xf32>
    %107 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%17, %105 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%106 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.addf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %108 = tensor.empty() : tensor<1x8xf32>
    %109 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%107, %107 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%108 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %110 = tensor.empty() : tensor<1x1xf32>
    %111 = linalg.fill ins(%cst_1 : f32) outs(%110 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %112 = linalg.generic {indexing_maps = [#map3, #map4], iterator_types = ["parallel", "reduction"]} ins(%109 : tensor<1x8xf32>) outs(%111 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.addf %in, %out : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %113 = tensor.empty() : tensor<1x1xf32>
    %114 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%112 : tensor<1x1xf32>) outs(%113 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.divf %in, %cst_3 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %115 = tensor.empty() : tensor<1x1xf32>
    %116 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%114 : tensor<1x1xf32>) outs(%115 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.truncf %cst_4 : f64 to f32
      %163 = arith.addf %in, %162 : f32
      linalg.yield %163 : f32
    } -> tensor<1x1xf32>
    %117 = tensor.empty() : tensor<1x1xf32>
    %118 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%116 : tensor<1x1xf32>) outs(%117 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.rsqrt %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %119 = tensor.empty() : tensor<1x8xf32>
    %120 = linalg.generic {indexing_maps = [#map3, #map4, #map3], iterator_types = ["parallel", "parallel"]} ins(%107, %118 : tensor<1x8xf32>, tensor<1x1xf32>) outs(%119 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %121 = tensor.empty() : tensor<1x8xf32>
    %122 = linalg.generic {indexing_maps = [#map3, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%120, %arg6 : tensor<1x8xf32>, tensor<8xf32>) outs(%121 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %123 = tensor.empty() : tensor<8x12xf32>
    %transposed_40 = linalg.transpose ins(%arg11 : tensor<12x8xf32>) outs(%123 : tensor<8x12xf32>) permutation = [1, 0] 
    %124 = tensor.empty() : tensor<1x12xf32>
    %125 = linalg.fill ins(%cst_1 : f32) outs(%124 : tensor<1x12xf32>) -> tensor<1x12xf32>
    %126 = linalg.matmul ins(%122, %transposed_40 : tensor<1x8xf32>, tensor<8x12xf32>) outs(%125 : tensor<1x12xf32>) -> tensor<1x12xf32>
    %127 = tensor.empty() : tensor<8x12xf32>
    %transposed_41 = linalg.transpose ins(%arg12 : tensor<12x8xf32>) outs(%127 : tensor<8x12xf32>) permutation = [1, 0] 
    %128 = tensor.empty() : tensor<1x12xf32>
    %129 = linalg.fill ins(%cst_1 : f32) outs(%128 : tensor<1x12xf32>) -> tensor<1x12xf32>
    %130 = linalg.matmul ins(%122, %transposed_41 : tensor<1x8xf32>, tensor<8x12xf32>) outs(%129 : tensor<1x12xf32>) -> tensor<1x12xf32>
    %131 = tensor.empty() : tensor<1x12xf32>
    %132 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%126 : tensor<1x12xf32>) outs(%131 : tensor<1x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.negf %in : f32
      %163 = math.exp %162 : f32
      %164 = arith.addf %163, %cst_7 : f32
      %165 = arith.divf %cst_7, %164 : f32
      linalg.yield %165 : f32
    } -> tensor<1x12xf32>
    %133 = tensor.empty() : tensor<1x12xf32>
    %134 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%126, %132 : tensor<1x12xf32>, tensor<1x12xf32>) outs(%133 : tensor<1x12xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x12xf32>
    %135 = tensor.empty() : tensor<1x12xf32>
    %136 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%134, %130 : tensor<1x12xf32>, tensor<1x12xf32>) outs(%135 : tensor<1x12xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x12xf32>
    %137 = tensor.empty() : tensor<12x8xf32>
    %transposed_42 = linalg.transpose ins(%arg13 : tensor<8x12xf32>) outs(%137 : tensor<12x8xf32>) permutation = [1, 0] 
    %138 = tensor.empty() : tensor<1x8xf32>
    %139 = linalg.fill ins(%cst_1 : f32) outs(%138 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %140 = linalg.matmul ins(%136, %transposed_42 : tensor<1x12xf32>, tensor<12x8xf32>) outs(%139 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %141 = tensor.empty() : tensor<1x8xf32>
    %142 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%107, %140 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%141 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.addf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %expanded_43 = tensor.expand_shape %73 [[0], [1, 2], [3]] output_shape [1, 1, 16, 4] : tensor<1x16x4xf32> into tensor<1x1x16x4xf32>
    %expanded_44 = tensor.expand_shape %75 [[0], [1, 2], [3]] output_shape [1, 1, 16, 4] : tensor<1x16x4xf32> into tensor<1x1x16x4xf32>
    %143 = tensor.empty() : tensor<1x8xf32>
    %144 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%142, %142 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%143 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %145 = tensor.empty() : tensor<1x1xf32>
    %146 = linalg.fill ins(%cst_1 : f32) outs(%145 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %147 = linalg.generic {indexing_maps = [#map3, #map4], iterator_types = ["parallel", "reduction"]} ins(%144 : tensor<1x8xf32>) outs(%146 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.addf %in, %out : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %148 = tensor.empty() : tensor<1x1xf32>
    %149 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%147 : tensor<1x1xf32>) outs(%148 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.divf %in, %cst_3 : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %150 = tensor.empty() : tensor<1x1xf32>
    %151 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%149 : tensor<1x1xf32>) outs(%150 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = arith.truncf %cst_4 : f64 to f32
      %163 = arith.addf %in, %162 : f32
      linalg.yield %163 : f32
    } -> tensor<1x1xf32>
    %152 = tensor.empty() : tensor<1x1xf32>
    %153 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%151 : tensor<1x1xf32>) outs(%152 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %162 = math.rsqrt %in : f32
      linalg.yield %162 : f32
    } -> tensor<1x1xf32>
    %154 = tensor.empty() : tensor<1x8xf32>
    %155 = linalg.generic {indexing_maps = [#map3, #map4, #map3], iterator_types = ["parallel", "parallel"]} ins(%142, %153 : tensor<1x8xf32>, tensor<1x1xf32>) outs(%154 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %156 = tensor.empty() : tensor<1x8xf32>
    %157 = linalg.generic {indexing_maps = [#map3, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%155, %arg14 : tensor<1x8xf32>, tensor<8xf32>) outs(%156 : tensor<1x8xf32>) {
    ^bb0(%in: f32, %in_46: f32, %out: f32):
      %162 = arith.mulf %in, %in_46 : f32
      linalg.yield %162 : f32
    } -> tensor<1x8xf32>
    %158 = tensor.empty() : tensor<8x32xf32>
    %transposed_45 = linalg.transpose ins(%arg4 : tensor<32x8xf32>) outs(%158 : tensor<8x32xf32>) permutation = [1, 0] 
    %159 = tensor.empty() : tensor<1x32xf32>
    %160 = linalg.fill ins(%cst_1 : f32) outs(%159 : tensor<1x32xf32>) -> tensor<1x32xf32>
    %161 = linalg.matmul ins(%157, %transposed_45 : tensor<1x8xf32>, tensor<8x32xf32>) outs(%160 : tensor<1x32xf32>) -> tensor<1x32xf32>
    return %161, %expanded_43, %expanded_44 : tensor<1x32xf32>, tensor<1x1x16x4xf32>, tensor<1x1x16x4xf32>
  }
}

