#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0, d1) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
#map4 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map5 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map6 = affine_map<(d0, d1, d2) -> (d1, d2)>
#map7 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map8 = affine_map<(d0, d1, d2, d3, d4) -> (d2, d0, d1, d4)>
#map9 = affine_map<(d0, d1, d2, d3, d4) -> (d3, d0, d4)>
#map10 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2, d0, d4)>
#map13 = affine_map<(d0, d1, d2, d3, d4) -> (d4, d1, d3)>
module attributes {spec.plan = #spec.plan<soc = "imx95", host = "cpu", draft_length = 0, strategy = none, accept = greedy, acceptance = 9.000000e-01, acceptance_source = "option alpha", tokens_per_second = 7662.0759502188557, speedup = 1.000000e+00, baseline = "f1 on cpu:6:f32, no speculation, 7662.076 tokens/s">} {
  func.func @f0(%arg0: index, %arg1: tensor<1xi64>, %arg2: tensor<32x8xf32>, %arg3: tensor<1x8xf32>, %arg4: tensor<1x8xf32>, %arg5: tensor<1x8x8xf32>, %arg6: tensor<1x4x8xf32>, %arg7: tensor<1x4x8xf32>, %arg8: tensor<1x8x8xf32>, %arg9: tensor<1x12x8xf32>, %arg10: tensor<1x12x8xf32>, %arg11: tensor<1x8x12xf32>, %arg12: tensor<8xf32>, %arg13: tensor<1x1x16x4xf32>, %arg14: tensor<1x1x16x4xf32>) -> (tensor<1x32xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>) attributes {spec.model = #spec.model<name = "f0", role = drafter, tokens = 1, vocabulary = 32, layers = 1, hidden = 8, heads = 2, kv_heads = 1, head_dim = 4, context_length = 16, parameters = 760, bytes = 3040, dtype = f32, token_args = [1], position_args = [0], cache_args = [13, 14], parameter_args = [2 to 12], logits_results = [0], token_results = [], cache_results = [], row_results = [2, 1]>, spec.role = "drafter"} {
    %cst = arith.constant -5.000000e-01 : f32
    %cst_0 = arith.constant 1.000000e+04 : f32
    %c16 = arith.constant 16 : index
    %cst_1 = arith.constant 0.000000e+00 : f32
    %cst_2 = arith.constant -1.000000e+30 : f32
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cst_3 = arith.constant 8.000000e+00 : f32
    %cst_4 = arith.constant 9.99999974E-6 : f32
    %cst_5 = arith.constant 5.000000e-01 : f32
    %cst_6 = arith.constant 0xFF800000 : f32
    %cst_7 = arith.constant 1.000000e+00 : f32
    %0 = tensor.empty() : tensor<1xi64>
    %1 = arith.index_cast %arg0 : index to i64
    %2 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%0 : tensor<1xi64>) {
    ^bb0(%out: i64):
      %40 = linalg.index 0 : index
      %41 = arith.index_cast %40 : index to i64
      %42 = arith.addi %41, %1 : i64
      linalg.yield %42 : i64
    } -> tensor<1xi64>
%fuzz = ub.poison : tensor<?x?xf32>
    %3 = tensor.empty() : tensor<2xf32>
    %4 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%3 : tensor<2xf32>) {
    ^bb0(%out: f32):
      %40 = linalg.index 0 : index
      %41 = arith.index_cast %40 : index to i64
      %42 = arith.sitofp %41 : i64 to f32
      %43 = arith.mulf %42, %cst : f32
      %44 = math.powf %cst_0, %43 : f32
      linalg.yield %44 : f32
    } -> tensor<2xf32>
    %5 = tensor.empty() : tensor<1x2xf32>
    %6 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%2, %4 : tensor<1xi64>, tensor<2xf32>) outs(%5 : tensor<1x2xf32>) {
    ^bb0(%in: i64, %in_9: f32, %out: f32):
      %40 = arith.sitofp %in : i64 to f32
      %41 = arith.mulf %40, %in_9 : f32
      linalg.yield %41 : f32
    } -> tensor<1x2xf32>
    %7 = tensor.empty() : tensor<1x2xf32>
    %8 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<1x2xf32>) outs(%7 : tensor<1x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %40 = math.cos %in : f32
      linalg.yield %40 : f32
    } -> tensor<1x2xf32>
    %9 = tensor.empty() : tensor<1x2xf32>
    %10 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<1x2xf32>) outs(%9 : tensor<1x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %40 = math.sin %in : f32
      linalg.yield %40 : f32
    } -> tensor<1x2xf32>
    %11 = tensor.empty() : tensor<1x17xi1>
    %12 = linalg.generic {indexing_maps = [#map3], iterator_types = ["parallel", "parallel"]} outs(%11 : tensor<1x17xi1>) {
    ^bb0(%out: i1):
      %40 = linalg.index 0 : index
      %41 = linalg.index 1 : index
      %42 = arith.cmpi slt, %41, %c16 : index
      %43 = arith.cmpi slt, %41, %arg0 : index
      %44 = arith.subi %41, %c16 : index
      %45 = arith.cmpi sle, %44, %40 : index
      %46 = arith.select %42, %43, %45 : i1
      linalg.yield %46 : i1
    } -> tensor<1x17xi1>
    %13 = tensor.empty() : tensor<1x17xf32>
    %14 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%12 : tensor<1x17xi1>) outs(%13 : tensor<1x17xf32>) {
    ^bb0(%in: i1, %out: f32):
      %40 = arith.select %in, %cst_1, %cst_2 : f32
      linalg.yield %40 : f32
    } -> tensor<1x17xf32>
    %15 = tensor.empty() : tensor<1x8xf32>
    %16 = scf.for %arg15 = %c0 to %c1 step %c1 iter_args(%arg16 = %15) -> (tensor<1x8xf32>) {
      %extracted = tensor.extract %arg1[%arg15] : tensor<1xi64>
      %40 = arith.index_cast %extracted : i64 to index
      %extracted_slice = tensor.extract_slice %arg2[%40, 0] [1, 8] [1, 1] : tensor<32x8xf32> to tensor<1x8xf32>
      %inserted_slice = tensor.insert_slice %extracted_slice into %arg16[%arg15, 0] [1, 8] [1, 1] : tensor<1x8xf32> into tensor<1x8xf32>
      scf.yield %inserted_slice : tensor<1x8xf32>
    }
    %17 = tensor.empty() : tensor<1x1x1x4xf32>
    %18 = tensor.empty() : tensor<1x1x1x4xf32>
    %19:3 = scf.for %arg15 = %c0 to %c1 step %c1 iter_args(%arg16 = %16, %arg17 = %17, %arg18 = %18) -> (tensor<1x8xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>) {
      %extracted_slice = tensor.extract_slice %arg3[%arg15, 0] [1, 8] [1, 1] : tensor<1x8xf32> to tensor<8xf32>
      %40 = tensor.empty() : tensor<1x8xf32>
      %41 = linalg.mul ins(%arg16, %arg16 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%40 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %42 = tensor.empty() : tensor<1xf32>
      %43 = linalg.fill ins(%cst_1 : f32) outs(%42 : tensor<1xf32>) -> tensor<1xf32>
      %reduced_9 = linalg.reduce { arith.addf } ins(%41 : tensor<1x8xf32>) outs(%43 : tensor<1xf32>) dimensions = [1] 
      %expanded_10 = tensor.expand_shape %reduced_9 [[0, 1]] output_shape [1, 1] : tensor<1xf32> into tensor<1x1xf32>
      %44 = tensor.empty() : tensor<1x1xf32>
      %45 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%expanded_10 : tensor<1x1xf32>) outs(%44 : tensor<1x1xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.divf %in, %cst_3 : f32
        linalg.yield %174 : f32
      } -> tensor<1x1xf32>
      %46 = tensor.empty() : tensor<1x1xf32>
      %47 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%45 : tensor<1x1xf32>) outs(%46 : tensor<1x1xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.addf %in, %cst_4 : f32
        linalg.yield %174 : f32
      } -> tensor<1x1xf32>
      %48 = tensor.empty() : tensor<1x1xf32>
      %49 = linalg.rsqrt ins(%47 : tensor<1x1xf32>) outs(%48 : tensor<1x1xf32>) -> tensor<1x1xf32>
      %50 = tensor.empty() : tensor<1x8xf32>
      %collapsed_11 = tensor.collapse_shape %49 [[0, 1]] : tensor<1x1xf32> into tensor<1xf32>
      %broadcasted_12 = linalg.broadcast ins(%collapsed_11 : tensor<1xf32>) outs(%50 : tensor<1x8xf32>) dimensions = [1] 
      %51 = tensor.empty() : tensor<1x8xf32>
      %52 = linalg.mul ins(%arg16, %broadcasted_12 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%51 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %53 = tensor.empty() : tensor<1x8xf32>
      %broadcasted_13 = linalg.broadcast ins(%extracted_slice : tensor<8xf32>) outs(%53 : tensor<1x8xf32>) dimensions = [0] 
      %54 = tensor.empty() : tensor<1x8xf32>
      %55 = linalg.mul ins(%52, %broadcasted_13 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%54 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %extracted_slice_14 = tensor.extract_slice %arg5[%arg15, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<1x8x8xf32> to tensor<8x8xf32>
      %56 = tensor.empty() : tensor<8x8xf32>
      %transposed_15 = linalg.transpose ins(%extracted_slice_14 : tensor<8x8xf32>) outs(%56 : tensor<8x8xf32>) permutation = [1, 0] 
      %57 = tensor.empty() : tensor<1x8xf32>
      %58 = linalg.fill ins(%cst_1 : f32) outs(%57 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %59 = linalg.matmul ins(%55, %transposed_15 : tensor<1x8xf32>, tensor<8x8xf32>) outs(%58 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %expanded_16 = tensor.expand_shape %59 [[0], [1, 2]] output_shape [1, 2, 4] : tensor<1x8xf32> into tensor<1x2x4xf32>
      %60 = tensor.empty() : tensor<2x1x4xf32>
      %transposed_17 = linalg.transpose ins(%expanded_16 : tensor<1x2x4xf32>) outs(%60 : tensor<2x1x4xf32>) permutation = [1, 0, 2] 
      %extracted_slice_18 = tensor.extract_slice %arg6[%arg15, 0, 0] [1, 4, 8] [1, 1, 1] : tensor<1x4x8xf32> to tensor<4x8xf32>
      %61 = tensor.empty() : tensor<8x4xf32>
      %transposed_19 = linalg.transpose ins(%extracted_slice_18 : tensor<4x8xf32>) outs(%61 : tensor<8x4xf32>) permutation = [1, 0] 
      %62 = tensor.empty() : tensor<1x4xf32>
      %63 = linalg.fill ins(%cst_1 : f32) outs(%62 : tensor<1x4xf32>) -> tensor<1x4xf32>
      %64 = linalg.matmul ins(%55, %transposed_19 : tensor<1x8xf32>, tensor<8x4xf32>) outs(%63 : tensor<1x4xf32>) -> tensor<1x4xf32>
      %expanded_20 = tensor.expand_shape %64 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
      %65 = tensor.empty() : tensor<1x1x4xf32>
      %transposed_21 = linalg.transpose ins(%expanded_20 : tensor<1x1x4xf32>) outs(%65 : tensor<1x1x4xf32>) permutation = [1, 0, 2] 
      %extracted_slice_22 = tensor.extract_slice %arg7[%arg15, 0, 0] [1, 4, 8] [1, 1, 1] : tensor<1x4x8xf32> to tensor<4x8xf32>
      %66 = tensor.empty() : tensor<8x4xf32>
      %transposed_23 = linalg.transpose ins(%extracted_slice_22 : tensor<4x8xf32>) outs(%66 : tensor<8x4xf32>) permutation = [1, 0] 
      %67 = tensor.empty() : tensor<1x4xf32>
      %68 = linalg.fill ins(%cst_1 : f32) outs(%67 : tensor<1x4xf32>) -> tensor<1x4xf32>
      %69 = linalg.matmul ins(%55, %transposed_23 : tensor<1x8xf32>, tensor<8x4xf32>) outs(%68 : tensor<1x4xf32>) -> tensor<1x4xf32>
      %expanded_24 = tensor.expand_shape %69 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
      %70 = tensor.empty() : tensor<1x1x4xf32>
      %transposed_25 = linalg.transpose ins(%expanded_24 : tensor<1x1x4xf32>) outs(%70 : tensor<1x1x4xf32>) permutation = [1, 0, 2] 
      %extracted_slice_26 = tensor.extract_slice %transposed_17[0, 0, 0] [2, 1, 2] [1, 1, 1] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
      %extracted_slice_27 = tensor.extract_slice %transposed_17[0, 0, 2] [2, 1, 2] [1, 1, 1] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
      %71 = tensor.empty() : tensor<2x1x2xf32>
      %broadcasted_28 = linalg.broadcast ins(%8 : tensor<1x2xf32>) outs(%71 : tensor<2x1x2xf32>) dimensions = [0] 
      %72 = tensor.empty() : tensor<2x1x2xf32>
      %73 = linalg.mul ins(%extracted_slice_26, %broadcasted_28 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%72 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %74 = tensor.empty() : tensor<2x1x2xf32>
      %broadcasted_29 = linalg.broadcast ins(%10 : tensor<1x2xf32>) outs(%74 : tensor<2x1x2xf32>) dimensions = [0] 
      %75 = tensor.empty() : tensor<2x1x2xf32>
      %76 = linalg.mul ins(%extracted_slice_27, %broadcasted_29 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%75 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %77 = tensor.empty() : tensor<2x1x2xf32>
      %78 = linalg.sub ins(%73, %76 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%77 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %79 = tensor.empty() : tensor<2x1x2xf32>
      %broadcasted_30 = linalg.broadcast ins(%10 : tensor<1x2xf32>) outs(%79 : tensor<2x1x2xf32>) dimensions = [0] 
      %80 = tensor.empty() : tensor<2x1x2xf32>
      %81 = linalg.mul ins(%extracted_slice_26, %broadcasted_30 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%80 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %82 = tensor.empty() : tensor<2x1x2xf32>
      %broadcasted_31 = linalg.broadcast ins(%8 : tensor<1x2xf32>) outs(%82 : tensor<2x1x2xf32>) dimensions = [0] 
      %83 = tensor.empty() : tensor<2x1x2xf32>
      %84 = linalg.mul ins(%extracted_slice_27, %broadcasted_31 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%83 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %85 = tensor.empty() : tensor<2x1x2xf32>
      %86 = linalg.add ins(%81, %84 : tensor<2x1x2xf32>, tensor<2x1x2xf32>) outs(%85 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
      %87 = tensor.empty() : tensor<2x1x4xf32>
      %inserted_slice = tensor.insert_slice %78 into %87[0, 0, 0] [2, 1, 2] [1, 1, 1] : tensor<2x1x2xf32> into tensor<2x1x4xf32>
      %inserted_slice_32 = tensor.insert_slice %86 into %inserted_slice[0, 0, 2] [2, 1, 2] [1, 1, 1] : tensor<2x1x2xf32> into tensor<2x1x4xf32>
      %extracted_slice_33 = tensor.extract_slice %transposed_21[0, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
      %extracted_slice_34 = tensor.extract_slice %transposed_21[0, 0, 2] [1, 1, 2] [1, 1, 1] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
      %88 = tensor.empty() : tensor<1x1x2xf32>
      %broadcasted_35 = linalg.broadcast ins(%8 : tensor<1x2xf32>) outs(%88 : tensor<1x1x2xf32>) dimensions = [0] 
      %89 = tensor.empty() : tensor<1x1x2xf32>
      %90 = linalg.mul ins(%extracted_slice_33, %broadcasted_35 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%89 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %91 = tensor.empty() : tensor<1x1x2xf32>
      %broadcasted_36 = linalg.broadcast ins(%10 : tensor<1x2xf32>) outs(%91 : tensor<1x1x2xf32>) dimensions = [0] 
      %92 = tensor.empty() : tensor<1x1x2xf32>
      %93 = linalg.mul ins(%extracted_slice_34, %broadcasted_36 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%92 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %94 = tensor.empty() : tensor<1x1x2xf32>
      %95 = linalg.sub ins(%90, %93 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%94 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %96 = tensor.empty() : tensor<1x1x2xf32>
      %broadcasted_37 = linalg.broadcast ins(%10 : tensor<1x2xf32>) outs(%96 : tensor<1x1x2xf32>) dimensions = [0] 
      %97 = tensor.empty() : tensor<1x1x2xf32>
      %98 = linalg.mul ins(%extracted_slice_33, %broadcasted_37 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%97 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %99 = tensor.empty() : tensor<1x1x2xf32>
      %broadcasted_38 = linalg.broadcast ins(%8 : tensor<1x2xf32>) outs(%99 : tensor<1x1x2xf32>) dimensions = [0] 
      %100 = tensor.empty() : tensor<1x1x2xf32>
      %101 = linalg.mul ins(%extracted_slice_34, %broadcasted_38 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%100 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %102 = tensor.empty() : tensor<1x1x2xf32>
      %103 = linalg.add ins(%98, %101 : tensor<1x1x2xf32>, tensor<1x1x2xf32>) outs(%102 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
      %104 = tensor.empty() : tensor<1x1x4xf32>
      %inserted_slice_39 = tensor.insert_slice %95 into %104[0, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<1x1x2xf32> into tensor<1x1x4xf32>
      %inserted_slice_40 = tensor.insert_slice %103 into %inserted_slice_39[0, 0, 2] [1, 1, 2] [1, 1, 1] : tensor<1x1x2xf32> into tensor<1x1x4xf32>
      %extracted_slice_41 = tensor.extract_slice %arg14[%arg15, 0, 0, 0] [1, 1, 16, 4] [1, 1, 1, 1] : tensor<1x1x16x4xf32> to tensor<1x16x4xf32>
      %105 = tensor.empty() : tensor<1x17x4xf32>
      %inserted_slice_42 = tensor.insert_slice %extracted_slice_41 into %105[0, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<1x16x4xf32> into tensor<1x17x4xf32>
      %inserted_slice_43 = tensor.insert_slice %inserted_slice_40 into %inserted_slice_42[0, 16, 0] [1, 1, 4] [1, 1, 1] : tensor<1x1x4xf32> into tensor<1x17x4xf32>
      %extracted_slice_44 = tensor.extract_slice %arg13[%arg15, 0, 0, 0] [1, 1, 16, 4] [1, 1, 1, 1] : tensor<1x1x16x4xf32> to tensor<1x16x4xf32>
      %106 = tensor.empty() : tensor<1x17x4xf32>
      %inserted_slice_45 = tensor.insert_slice %extracted_slice_44 into %106[0, 0, 0] [1, 16, 4] [1, 1, 1] : tensor<1x16x4xf32> into tensor<1x17x4xf32>
      %inserted_slice_46 = tensor.insert_slice %transposed_25 into %inserted_slice_45[0, 16, 0] [1, 1, 4] [1, 1, 1] : tensor<1x1x4xf32> into tensor<1x17x4xf32>
      %collapsed_47 = tensor.collapse_shape %inserted_slice_32 [[0], [1, 2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
      %expanded_48 = tensor.expand_shape %collapsed_47 [[0, 1], [2]] output_shape [1, 2, 4] : tensor<2x4xf32> into tensor<1x2x4xf32>
      %107 = tensor.empty() : tensor<1x4x17xf32>
      %transposed_49 = linalg.transpose ins(%inserted_slice_43 : tensor<1x17x4xf32>) outs(%107 : tensor<1x4x17xf32>) permutation = [0, 2, 1] 
      %108 = tensor.empty() : tensor<1x2x17xf32>
      %109 = linalg.fill ins(%cst_1 : f32) outs(%108 : tensor<1x2x17xf32>) -> tensor<1x2x17xf32>
      %110 = linalg.batch_matmul ins(%expanded_48, %transposed_49 : tensor<1x2x4xf32>, tensor<1x4x17xf32>) outs(%109 : tensor<1x2x17xf32>) -> tensor<1x2x17xf32>
      %111 = tensor.empty() : tensor<1x2x17xf32>
      %112 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%110 : tensor<1x2x17xf32>) outs(%111 : tensor<1x2x17xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.mulf %in, %cst_5 : f32
        linalg.yield %174 : f32
      } -> tensor<1x2x17xf32>
      %expanded_50 = tensor.expand_shape %112 [[0], [1], [2, 3]] output_shape [1, 2, 1, 17] : tensor<1x2x17xf32> into tensor<1x2x1x17xf32>
      %113 = tensor.empty() : tensor<1x2x1x17xf32>
      %broadcasted_51 = linalg.broadcast ins(%14 : tensor<1x17xf32>) outs(%113 : tensor<1x2x1x17xf32>) dimensions = [0, 1] 
      %114 = tensor.empty() : tensor<1x2x1x17xf32>
      %115 = linalg.add ins(%expanded_50, %broadcasted_51 : tensor<1x2x1x17xf32>, tensor<1x2x1x17xf32>) outs(%114 : tensor<1x2x1x17xf32>) -> tensor<1x2x1x17xf32>
      %collapsed_52 = tensor.collapse_shape %115 [[0], [1], [2, 3]] : tensor<1x2x1x17xf32> into tensor<1x2x17xf32>
      %116 = tensor.empty() : tensor<1x2xf32>
      %117 = linalg.fill ins(%cst_6 : f32) outs(%116 : tensor<1x2xf32>) -> tensor<1x2xf32>
      %reduced_53 = linalg.reduce { arith.maximumf } ins(%collapsed_52 : tensor<1x2x17xf32>) outs(%117 : tensor<1x2xf32>) dimensions = [2] 
      %expanded_54 = tensor.expand_shape %reduced_53 [[0], [1, 2]] output_shape [1, 2, 1] : tensor<1x2xf32> into tensor<1x2x1xf32>
      %118 = tensor.empty() : tensor<1x2x17xf32>
      %collapsed_55 = tensor.collapse_shape %expanded_54 [[0], [1, 2]] : tensor<1x2x1xf32> into tensor<1x2xf32>
      %broadcasted_56 = linalg.broadcast ins(%collapsed_55 : tensor<1x2xf32>) outs(%118 : tensor<1x2x17xf32>) dimensions = [2] 
      %119 = tensor.empty() : tensor<1x2x17xf32>
      %120 = linalg.sub ins(%collapsed_52, %broadcasted_56 : tensor<1x2x17xf32>, tensor<1x2x17xf32>) outs(%119 : tensor<1x2x17xf32>) -> tensor<1x2x17xf32>
      %121 = tensor.empty() : tensor<1x2x17xf32>
      %122 = linalg.exp ins(%120 : tensor<1x2x17xf32>) outs(%121 : tensor<1x2x17xf32>) -> tensor<1x2x17xf32>
      %123 = tensor.empty() : tensor<1x2xf32>
      %124 = linalg.fill ins(%cst_1 : f32) outs(%123 : tensor<1x2xf32>) -> tensor<1x2xf32>
      %reduced_57 = linalg.reduce { arith.addf } ins(%122 : tensor<1x2x17xf32>) outs(%124 : tensor<1x2xf32>) dimensions = [2] 
      %expanded_58 = tensor.expand_shape %reduced_57 [[0], [1, 2]] output_shape [1, 2, 1] : tensor<1x2xf32> into tensor<1x2x1xf32>
      %125 = tensor.empty() : tensor<1x2x17xf32>
      %collapsed_59 = tensor.collapse_shape %expanded_58 [[0], [1, 2]] : tensor<1x2x1xf32> into tensor<1x2xf32>
      %broadcasted_60 = linalg.broadcast ins(%collapsed_59 : tensor<1x2xf32>) outs(%125 : tensor<1x2x17xf32>) dimensions = [2] 
      %126 = tensor.empty() : tensor<1x2x17xf32>
      %127 = linalg.div ins(%122, %broadcasted_60 : tensor<1x2x17xf32>, tensor<1x2x17xf32>) outs(%126 : tensor<1x2x17xf32>) -> tensor<1x2x17xf32>
      %128 = tensor.empty() : tensor<1x2x4xf32>
      %129 = linalg.fill ins(%cst_1 : f32) outs(%128 : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
      %130 = linalg.batch_matmul ins(%127, %inserted_slice_46 : tensor<1x2x17xf32>, tensor<1x17x4xf32>) outs(%129 : tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
      %collapsed_61 = tensor.collapse_shape %130 [[0, 1], [2]] : tensor<1x2x4xf32> into tensor<2x4xf32>
      %expanded_62 = tensor.expand_shape %collapsed_61 [[0], [1, 2]] output_shape [2, 1, 4] : tensor<2x4xf32> into tensor<2x1x4xf32>
      %131 = tensor.empty() : tensor<1x2x4xf32>
      %transposed_63 = linalg.transpose ins(%expanded_62 : tensor<2x1x4xf32>) outs(%131 : tensor<1x2x4xf32>) permutation = [1, 0, 2] 
      %collapsed_64 = tensor.collapse_shape %transposed_63 [[0], [1, 2]] : tensor<1x2x4xf32> into tensor<1x8xf32>
      %extracted_slice_65 = tensor.extract_slice %arg8[%arg15, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<1x8x8xf32> to tensor<8x8xf32>
      %132 = tensor.empty() : tensor<8x8xf32>
      %transposed_66 = linalg.transpose ins(%extracted_slice_65 : tensor<8x8xf32>) outs(%132 : tensor<8x8xf32>) permutation = [1, 0] 
      %133 = tensor.empty() : tensor<1x8xf32>
      %134 = linalg.fill ins(%cst_1 : f32) outs(%133 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %135 = linalg.matmul ins(%collapsed_64, %transposed_66 : tensor<1x8xf32>, tensor<8x8xf32>) outs(%134 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %136 = tensor.empty() : tensor<1x8xf32>
      %137 = linalg.add ins(%arg16, %135 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%136 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %extracted_slice_67 = tensor.extract_slice %arg4[%arg15, 0] [1, 8] [1, 1] : tensor<1x8xf32> to tensor<8xf32>
      %138 = tensor.empty() : tensor<1x8xf32>
      %139 = linalg.mul ins(%137, %137 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%138 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %140 = tensor.empty() : tensor<1xf32>
      %141 = linalg.fill ins(%cst_1 : f32) outs(%140 : tensor<1xf32>) -> tensor<1xf32>
      %reduced_68 = linalg.reduce { arith.addf } ins(%139 : tensor<1x8xf32>) outs(%141 : tensor<1xf32>) dimensions = [1] 
      %expanded_69 = tensor.expand_shape %reduced_68 [[0, 1]] output_shape [1, 1] : tensor<1xf32> into tensor<1x1xf32>
      %142 = tensor.empty() : tensor<1x1xf32>
      %143 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%expanded_69 : tensor<1x1xf32>) outs(%142 : tensor<1x1xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.divf %in, %cst_3 : f32
        linalg.yield %174 : f32
      } -> tensor<1x1xf32>
      %144 = tensor.empty() : tensor<1x1xf32>
      %145 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%143 : tensor<1x1xf32>) outs(%144 : tensor<1x1xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.addf %in, %cst_4 : f32
        linalg.yield %174 : f32
      } -> tensor<1x1xf32>
      %146 = tensor.empty() : tensor<1x1xf32>
      %147 = linalg.rsqrt ins(%145 : tensor<1x1xf32>) outs(%146 : tensor<1x1xf32>) -> tensor<1x1xf32>
      %148 = tensor.empty() : tensor<1x8xf32>
      %collapsed_70 = tensor.collapse_shape %147 [[0, 1]] : tensor<1x1xf32> into tensor<1xf32>
      %broadcasted_71 = linalg.broadcast ins(%collapsed_70 : tensor<1xf32>) outs(%148 : tensor<1x8xf32>) dimensions = [1] 
      %149 = tensor.empty() : tensor<1x8xf32>
      %150 = linalg.mul ins(%137, %broadcasted_71 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%149 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %151 = tensor.empty() : tensor<1x8xf32>
      %broadcasted_72 = linalg.broadcast ins(%extracted_slice_67 : tensor<8xf32>) outs(%151 : tensor<1x8xf32>) dimensions = [0] 
      %152 = tensor.empty() : tensor<1x8xf32>
      %153 = linalg.mul ins(%150, %broadcasted_72 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%152 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %extracted_slice_73 = tensor.extract_slice %arg9[%arg15, 0, 0] [1, 12, 8] [1, 1, 1] : tensor<1x12x8xf32> to tensor<12x8xf32>
      %154 = tensor.empty() : tensor<8x12xf32>
      %transposed_74 = linalg.transpose ins(%extracted_slice_73 : tensor<12x8xf32>) outs(%154 : tensor<8x12xf32>) permutation = [1, 0] 
      %155 = tensor.empty() : tensor<1x12xf32>
      %156 = linalg.fill ins(%cst_1 : f32) outs(%155 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %157 = linalg.matmul ins(%153, %transposed_74 : tensor<1x8xf32>, tensor<8x12xf32>) outs(%156 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %extracted_slice_75 = tensor.extract_slice %arg10[%arg15, 0, 0] [1, 12, 8] [1, 1, 1] : tensor<1x12x8xf32> to tensor<12x8xf32>
      %158 = tensor.empty() : tensor<8x12xf32>
      %transposed_76 = linalg.transpose ins(%extracted_slice_75 : tensor<12x8xf32>) outs(%158 : tensor<8x12xf32>) permutation = [1, 0] 
      %159 = tensor.empty() : tensor<1x12xf32>
      %160 = linalg.fill ins(%cst_1 : f32) outs(%159 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %161 = linalg.matmul ins(%153, %transposed_76 : tensor<1x8xf32>, tensor<8x12xf32>) outs(%160 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %162 = tensor.empty() : tensor<1x12xf32>
      %163 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%157 : tensor<1x12xf32>) outs(%162 : tensor<1x12xf32>) {
      ^bb0(%in: f32, %out: f32):
        %174 = arith.negf %in : f32
        %175 = math.exp %174 : f32
        %176 = arith.addf %175, %cst_7 : f32
        %177 = arith.divf %cst_7, %176 : f32
        linalg.yield %177 : f32
      } -> tensor<1x12xf32>
      %164 = tensor.empty() : tensor<1x12xf32>
      %165 = linalg.mul ins(%157, %163 : tensor<1x12xf32>, tensor<1x12xf32>) outs(%164 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %166 = tensor.empty() : tensor<1x12xf32>
      %167 = linalg.mul ins(%165, %161 : tensor<1x12xf32>, tensor<1x12xf32>) outs(%166 : tensor<1x12xf32>) -> tensor<1x12xf32>
      %extracted_slice_77 = tensor.extract_slice %arg11[%arg15, 0, 0] [1, 8, 12] [1, 1, 1] : tensor<1x8x12xf32> to tensor<8x12xf32>
      %168 = tensor.empty() : tensor<12x8xf32>
      %transposed_78 = linalg.transpose ins(%extracted_slice_77 : tensor<8x12xf32>) outs(%168 : tensor<12x8xf32>) permutation = [1, 0] 
      %169 = tensor.empty() : tensor<1x8xf32>
      %170 = linalg.fill ins(%cst_1 : f32) outs(%169 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %171 = linalg.matmul ins(%167, %transposed_78 : tensor<1x12xf32>, tensor<12x8xf32>) outs(%170 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %172 = tensor.empty() : tensor<1x8xf32>
      %173 = linalg.add ins(%137, %171 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%172 : tensor<1x8xf32>) -> tensor<1x8xf32>
      %inserted_slice_79 = tensor.insert_slice %inserted_slice_40 into %arg17[%arg15, 0, 0, 0] [1, 1, 1, 4] [1, 1, 1, 1] : tensor<1x1x4xf32> into tensor<1x1x1x4xf32>
      %inserted_slice_80 = tensor.insert_slice %transposed_25 into %arg18[%arg15, 0, 0, 0] [1, 1, 1, 4] [1, 1, 1, 1] : tensor<1x1x4xf32> into tensor<1x1x1x4xf32>
      scf.yield %173, %inserted_slice_79, %inserted_slice_80 : tensor<1x8xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>
    }
    %20 = tensor.empty() : tensor<1x8xf32>
    %21 = linalg.mul ins(%19#0, %19#0 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%20 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %22 = tensor.empty() : tensor<1xf32>
    %23 = linalg.fill ins(%cst_1 : f32) outs(%22 : tensor<1xf32>) -> tensor<1xf32>
    %reduced = linalg.reduce { arith.addf } ins(%21 : tensor<1x8xf32>) outs(%23 : tensor<1xf32>) dimensions = [1] 
    %expanded = tensor.expand_shape %reduced [[0, 1]] output_shape [1, 1] : tensor<1xf32> into tensor<1x1xf32>
    %24 = tensor.empty() : tensor<1x1xf32>
    %25 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%expanded : tensor<1x1xf32>) outs(%24 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %40 = arith.divf %in, %cst_3 : f32
      linalg.yield %40 : f32
    } -> tensor<1x1xf32>
    %26 = tensor.empty() : tensor<1x1xf32>
    %27 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%25 : tensor<1x1xf32>) outs(%26 : tensor<1x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %40 = arith.addf %in, %cst_4 : f32
      linalg.yield %40 : f32
    } -> tensor<1x1xf32>
    %28 = tensor.empty() : tensor<1x1xf32>
    %29 = linalg.rsqrt ins(%27 : tensor<1x1xf32>) outs(%28 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %30 = tensor.empty() : tensor<1x8xf32>
    %collapsed = tensor.collapse_shape %29 [[0, 1]] : tensor<1x1xf32> into tensor<1xf32>
    %broadcasted = linalg.broadcast ins(%collapsed : tensor<1xf32>) outs(%30 : tensor<1x8xf32>) dimensions = [1] 
    %31 = tensor.empty() : tensor<1x8xf32>
    %32 = linalg.mul ins(%19#0, %broadcasted : tensor<1x8xf32>, tensor<1x8xf32>) outs(%31 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %33 = tensor.empty() : tensor<1x8xf32>
    %broadcasted_8 = linalg.broadcast ins(%arg12 : tensor<8xf32>) outs(%33 : tensor<1x8xf32>) dimensions = [0] 
    %34 = tensor.empty() : tensor<1x8xf32>
    %35 = linalg.mul ins(%32, %broadcasted_8 : tensor<1x8xf32>, tensor<1x8xf32>) outs(%34 : tensor<1x8xf32>) -> tensor<1x8xf32>
    %36 = tensor.empty() : tensor<8x32xf32>
    %transposed = linalg.transpose ins(%arg2 : tensor<32x8xf32>) outs(%36 : tensor<8x32xf32>) permutation = [1, 0] 
    %37 = tensor.empty() : tensor<1x32xf32>
    %38 = linalg.fill ins(%cst_1 : f32) outs(%37 : tensor<1x32xf32>) -> tensor<1x32xf32>
    %39 = linalg.matmul ins(%35, %transposed : tensor<1x8xf32>, tensor<8x32xf32>) outs(%38 : tensor<1x32xf32>) -> tensor<1x32xf32>
    return %39, %19#1, %19#2 : tensor<1x32xf32>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>
  }
  func.func @f1(%arg0: tensor<32x8xf32>, %arg1: tensor<8xf32>, %arg2: tensor<8xf32>, %arg3: tensor<8x8xf32>, %arg4: tensor<4x8xf32>, %arg5: tensor<4x8xf32>, %arg6: tensor<8x8xf32>, %arg7: tensor<12x8xf32>, %arg8: tensor<12x8xf32>, %arg9: tensor<8x12xf32>, %arg10: tensor<8xf32>, %arg11: tensor<8xf32>, %arg12: tensor<8x8xf32>, %arg13: tensor<4x8xf32>, %arg14: tensor<4x8xf32>, %arg15: tensor<8x8xf32>, %arg16: tensor<12x8xf32>, %arg17: tensor<12x8xf32>, %arg18: tensor<8x12xf32>, %arg19: tensor<8xf32>, %arg20: tensor<2x16x1x4xf32>, %arg21: tensor<2x16x1x4xf32>, %arg22: i64, %arg23: tensor<2147483648xi64>) -> (tensor<2x16x1x4xf32>, tensor<2x16x1x4xf32>, tensor<2147483648xi64>) attributes {spec.model = #spec.model<name = "f1", role = target, tokens = 3, vocabulary = 32, layers = 2, hidden = 8, heads = 2, kv_heads = 1, head_dim = 4, context_length = 16, parameters = 1256, bytes = 5024, dtype = f32, token_args = [23], position_args = [22], cache_args = [20, 21], parameter_args = [0 to 19], logits_results = [], token_results = [2], cache_results = [1, 0], row_results = []>, spec.placement = #spec.placement<role = target, device = "cpu", units = 6, dtype = f32>, spec.role = "target"} {
    %cst = arith.constant -5.000000e-01 : f32
    %cst_0 = arith.constant 1.000000e+04 : f32
    %c0_i64 = arith.constant 0 : i64
    %c32 = arith.constant 32 : index
    %c31_i64 = arith.constant 31 : i64
    %cst_1 = arith.constant 0.000000e+00 : f32
    %cst_2 = arith.constant 8.000000e+00 : f32
    %cst_3 = arith.constant 9.99999974E-6 : f32
    %c2 = arith.constant 2 : index
    %c4 = arith.constant 4 : index
    %c0 = arith.constant 0 : index
    %cst_4 = arith.constant 5.000000e-01 : f32
    %cst_5 = arith.constant -1.000000e+30 : f32
    %c16 = arith.constant 16 : index
    %cst_6 = arith.constant 1.000000e+00 : f32
    %cst_7 = arith.constant 0xFF800000 : f32
    %0 = arith.index_cast %arg22 : i64 to index
    %1 = tensor.empty() : tensor<2147483648xi64>
    %2 = arith.index_cast %0 : index to i64
    %3 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%1 : tensor<2147483648xi64>) {
    ^bb0(%out: i64):
      %145 = linalg.index 0 : index
      %146 = arith.index_cast %145 : index to i64
      %147 = arith.addi %146, %2 : i64
      linalg.yield %147 : i64
    } -> tensor<2147483648xi64>
    %4 = tensor.empty() : tensor<2xf32>
    %5 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%4 : tensor<2xf32>) {
    ^bb0(%out: f32):
      %145 = linalg.index 0 : index
      %146 = arith.index_cast %145 : index to i64
      %147 = arith.sitofp %146 : i64 to f32
      %148 = arith.mulf %147, %cst : f32
      %149 = math.powf %cst_0, %148 : f32
      linalg.yield %149 : f32
    } -> tensor<2xf32>
    %6 = tensor.empty() : tensor<2147483648x2xf32>
    %7 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%3, %5 : tensor<2147483648xi64>, tensor<2xf32>) outs(%6 : tensor<2147483648x2xf32>) {
    ^bb0(%in: i64, %in_22: f32, %out: f32):
      %145 = arith.sitofp %in : i64 to f32
      %146 = arith.mulf %145, %in_22 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x2xf32>
    %8 = tensor.empty() : tensor<2147483648x2xf32>
    %9 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<2147483648x2xf32>) outs(%8 : tensor<2147483648x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = math.cos %in : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x2xf32>
    %10 = tensor.empty() : tensor<2147483648x2xf32>
    %11 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<2147483648x2xf32>) outs(%10 : tensor<2147483648x2xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = math.sin %in : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x2xf32>
    %12 = tensor.empty() : tensor<2147483648x8xf32>
    %13 = linalg.generic {indexing_maps = [#map1, #map3], iterator_types = ["parallel", "parallel"]} ins(%arg23 : tensor<2147483648xi64>) outs(%12 : tensor<2147483648x8xf32>) {
    ^bb0(%in: i64, %out: f32):
      %145 = linalg.index 1 : index
      %146 = arith.maxsi %in, %c0_i64 : i64
      %147 = arith.minsi %146, %c31_i64 : i64
      %148 = arith.index_cast %147 : i64 to index
      %extracted = tensor.extract %arg0[%148, %145] : tensor<32x8xf32>
      linalg.yield %extracted : f32
    } -> tensor<2147483648x8xf32>
    %14 = tensor.empty() : tensor<2147483648xf32>
    %15 = linalg.fill ins(%cst_1 : f32) outs(%14 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %16 = linalg.generic {indexing_maps = [#map3, #map1], iterator_types = ["parallel", "reduction"]} ins(%13 : tensor<2147483648x8xf32>) outs(%15 : tensor<2147483648xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %in : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648xf32>
    %17 = tensor.empty() : tensor<2147483648x8xf32>
    %18 = linalg.generic {indexing_maps = [#map3, #map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%13, %16, %arg1 : tensor<2147483648x8xf32>, tensor<2147483648xf32>, tensor<8xf32>) outs(%17 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %in_23: f32, %out: f32):
      %145 = arith.divf %in_22, %cst_2 : f32
      %146 = arith.addf %145, %cst_3 : f32
      %147 = math.rsqrt %146 : f32
      %148 = arith.mulf %in, %147 : f32
      %149 = arith.mulf %148, %in_23 : f32
      linalg.yield %149 : f32
    } -> tensor<2147483648x8xf32>
    %19 = tensor.empty() : tensor<2147483648x4xf32>
    %20 = linalg.fill ins(%cst_1 : f32) outs(%19 : tensor<2147483648x4xf32>) -> tensor<2147483648x4xf32>
    %21 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%18, %arg5 : tensor<2147483648x8xf32>, tensor<4x8xf32>) outs(%20 : tensor<2147483648x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x4xf32>
    %expanded = tensor.expand_shape %21 [[0], [1, 2]] output_shape [3, 1, 4] : tensor<2147483648x4xf32> into tensor<2147483648x1x4xf32>
    %22 = tensor.empty() : tensor<2147483648x4xf32>
    %23 = linalg.fill ins(%cst_1 : f32) outs(%22 : tensor<2147483648x4xf32>) -> tensor<2147483648x4xf32>
    %24 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%18, %arg4 : tensor<2147483648x8xf32>, tensor<4x8xf32>) outs(%23 : tensor<2147483648x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x4xf32>
    %expanded_8 = tensor.expand_shape %24 [[0], [1, 2]] output_shape [3, 1, 4] : tensor<2147483648x4xf32> into tensor<2147483648x1x4xf32>
    %25 = tensor.empty() : tensor<2147483648x8xf32>
    %26 = linalg.fill ins(%cst_1 : f32) outs(%25 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %27 = linalg.contract indexing_maps = [#map5, #map6, #map7] ins(%18, %arg3 : tensor<2147483648x8xf32>, tensor<8x8xf32>) outs(%26 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %expanded_9 = tensor.expand_shape %27 [[0], [1, 2]] output_shape [3, 2, 4] : tensor<2147483648x8xf32> into tensor<2147483648x2x4xf32>
    %28 = tensor.empty() : tensor<2147483648x2x4xf32>
    %29 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_9 : tensor<2147483648x2x4xf32>) outs(%28 : tensor<2147483648x2x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.addi %147, %c2 : index
      %149 = arith.remui %148, %c4 : index
      %150 = arith.remui %147, %c2 : index
      %extracted = tensor.extract %expanded_9[%145, %146, %149] : tensor<2147483648x2x4xf32>
      %extracted_22 = tensor.extract %9[%145, %150] : tensor<2147483648x2xf32>
      %extracted_23 = tensor.extract %11[%145, %150] : tensor<2147483648x2xf32>
      %151 = arith.mulf %in, %extracted_22 : f32
      %152 = arith.mulf %extracted, %extracted_23 : f32
      %153 = arith.subf %151, %152 : f32
      %154 = arith.addf %151, %152 : f32
      %155 = arith.cmpi ult, %147, %c2 : index
      %156 = arith.select %155, %153, %154 : f32
      linalg.yield %156 : f32
    } -> tensor<2147483648x2x4xf32>
    %30 = tensor.empty() : tensor<2147483648x1x4xf32>
    %31 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8 : tensor<2147483648x1x4xf32>) outs(%30 : tensor<2147483648x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.addi %147, %c2 : index
      %149 = arith.remui %148, %c4 : index
      %150 = arith.remui %147, %c2 : index
      %extracted = tensor.extract %expanded_8[%145, %146, %149] : tensor<2147483648x1x4xf32>
      %extracted_22 = tensor.extract %9[%145, %150] : tensor<2147483648x2xf32>
      %extracted_23 = tensor.extract %11[%145, %150] : tensor<2147483648x2xf32>
      %151 = arith.mulf %in, %extracted_22 : f32
      %152 = arith.mulf %extracted, %extracted_23 : f32
      %153 = arith.subf %151, %152 : f32
      %154 = arith.addf %151, %152 : f32
      %155 = arith.cmpi ult, %147, %c2 : index
      %156 = arith.select %155, %153, %154 : f32
      linalg.yield %156 : f32
    } -> tensor<2147483648x1x4xf32>
    %extracted_slice = tensor.extract_slice %arg21[0, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<2x16x1x4xf32> to tensor<16x1x4xf32>
    %32 = tensor.empty() : tensor<16x1x4xf32>
    %33 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice : tensor<16x1x4xf32>) outs(%32 : tensor<16x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.subi %145, %0 : index
      %149 = arith.maxsi %148, %c0 : index
      %150 = arith.minsi %149, %c2 : index
      %151 = arith.cmpi eq, %148, %150 : index
      %extracted = tensor.extract %31[%150, %146, %147] : tensor<2147483648x1x4xf32>
      %152 = arith.select %151, %extracted, %in : f32
      linalg.yield %152 : f32
    } -> tensor<16x1x4xf32>
    %inserted_slice = tensor.insert_slice %33 into %arg21[0, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<16x1x4xf32> into tensor<2x16x1x4xf32>
    %extracted_slice_10 = tensor.extract_slice %arg20[0, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<2x16x1x4xf32> to tensor<16x1x4xf32>
    %34 = tensor.empty() : tensor<16x1x4xf32>
    %35 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_10 : tensor<16x1x4xf32>) outs(%34 : tensor<16x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.subi %145, %0 : index
      %149 = arith.maxsi %148, %c0 : index
      %150 = arith.minsi %149, %c2 : index
      %151 = arith.cmpi eq, %148, %150 : index
      %extracted = tensor.extract %expanded[%150, %146, %147] : tensor<2147483648x1x4xf32>
      %152 = arith.select %151, %extracted, %in : f32
      linalg.yield %152 : f32
    } -> tensor<16x1x4xf32>
    %inserted_slice_11 = tensor.insert_slice %35 into %arg20[0, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<16x1x4xf32> into tensor<2x16x1x4xf32>
    %expanded_12 = tensor.expand_shape %29 [[0], [1, 2], [3]] output_shape [3, 1, 2, 4] : tensor<2147483648x2x4xf32> into tensor<2147483648x1x2x4xf32>
    %36 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %37 = linalg.fill ins(%cst_1 : f32) outs(%36 : tensor<1x2x2147483648x16xf32>) -> tensor<1x2x2147483648x16xf32>
    %38 = linalg.generic {indexing_maps = [#map8, #map9, #map10], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%expanded_12, %33 : tensor<2147483648x1x2x4xf32>, tensor<16x1x4xf32>) outs(%37 : tensor<1x2x2147483648x16xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<1x2x2147483648x16xf32>
    %39 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %40 = linalg.generic {indexing_maps = [#map11, #map11], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%38 : tensor<1x2x2147483648x16xf32>) outs(%39 : tensor<1x2x2147483648x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %cst_4 : f32
      %146 = linalg.index 2 : index
      %147 = linalg.index 3 : index
      %148 = arith.addi %0, %146 : index
      %149 = arith.cmpi sle, %147, %148 : index
      %150 = arith.select %149, %145, %cst_5 : f32
      linalg.yield %150 : f32
    } -> tensor<1x2x2147483648x16xf32>
    %41 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %42 = linalg.softmax dimension(3) ins(%40 : tensor<1x2x2147483648x16xf32>) outs(%41 : tensor<1x2x2147483648x16xf32>) -> tensor<1x2x2147483648x16xf32>
    %43 = tensor.empty() : tensor<2147483648x1x2x4xf32>
    %44 = linalg.fill ins(%cst_1 : f32) outs(%43 : tensor<2147483648x1x2x4xf32>) -> tensor<2147483648x1x2x4xf32>
    %45 = linalg.generic {indexing_maps = [#map12, #map13, #map10], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%42, %35 : tensor<1x2x2147483648x16xf32>, tensor<16x1x4xf32>) outs(%44 : tensor<2147483648x1x2x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x1x2x4xf32>
    %collapsed = tensor.collapse_shape %45 [[0], [1, 2, 3]] : tensor<2147483648x1x2x4xf32> into tensor<2147483648x8xf32>
    %46 = tensor.empty() : tensor<2147483648x8xf32>
    %47 = linalg.fill ins(%cst_1 : f32) outs(%46 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %48 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%collapsed, %arg6 : tensor<2147483648x8xf32>, tensor<8x8xf32>) outs(%47 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x8xf32>
    %49 = tensor.empty() : tensor<2147483648x8xf32>
    %50 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%13, %48 : tensor<2147483648x8xf32>, tensor<2147483648x8xf32>) outs(%49 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.addf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x8xf32>
    %51 = tensor.empty() : tensor<2147483648xf32>
    %52 = linalg.fill ins(%cst_1 : f32) outs(%51 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %53 = linalg.generic {indexing_maps = [#map3, #map1], iterator_types = ["parallel", "reduction"]} ins(%50 : tensor<2147483648x8xf32>) outs(%52 : tensor<2147483648xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %in : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648xf32>
    %54 = tensor.empty() : tensor<2147483648x8xf32>
    %55 = linalg.generic {indexing_maps = [#map3, #map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%50, %53, %arg2 : tensor<2147483648x8xf32>, tensor<2147483648xf32>, tensor<8xf32>) outs(%54 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %in_23: f32, %out: f32):
      %145 = arith.divf %in_22, %cst_2 : f32
      %146 = arith.addf %145, %cst_3 : f32
      %147 = math.rsqrt %146 : f32
      %148 = arith.mulf %in, %147 : f32
      %149 = arith.mulf %148, %in_23 : f32
      linalg.yield %149 : f32
    } -> tensor<2147483648x8xf32>
    %56 = tensor.empty() : tensor<2147483648x12xf32>
    %57 = linalg.fill ins(%cst_1 : f32) outs(%56 : tensor<2147483648x12xf32>) -> tensor<2147483648x12xf32>
    %58 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%55, %arg8 : tensor<2147483648x8xf32>, tensor<12x8xf32>) outs(%57 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x12xf32>
    %59 = tensor.empty() : tensor<2147483648x12xf32>
    %60 = linalg.fill ins(%cst_1 : f32) outs(%59 : tensor<2147483648x12xf32>) -> tensor<2147483648x12xf32>
    %61 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%55, %arg7 : tensor<2147483648x8xf32>, tensor<12x8xf32>) outs(%60 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x12xf32>
    %62 = tensor.empty() : tensor<2147483648x12xf32>
    %63 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%61 : tensor<2147483648x12xf32>) outs(%62 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.negf %in : f32
      %146 = math.exp %145 : f32
      %147 = arith.addf %146, %cst_6 : f32
      %148 = arith.divf %cst_6, %147 : f32
      linalg.yield %148 : f32
    } -> tensor<2147483648x12xf32>
    %64 = tensor.empty() : tensor<2147483648x12xf32>
    %65 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%61, %63 : tensor<2147483648x12xf32>, tensor<2147483648x12xf32>) outs(%64 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x12xf32>
    %66 = tensor.empty() : tensor<2147483648x12xf32>
    %67 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%65, %58 : tensor<2147483648x12xf32>, tensor<2147483648x12xf32>) outs(%66 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x12xf32>
    %68 = tensor.empty() : tensor<2147483648x8xf32>
    %69 = linalg.fill ins(%cst_1 : f32) outs(%68 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %70 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%67, %arg9 : tensor<2147483648x12xf32>, tensor<8x12xf32>) outs(%69 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x8xf32>
    %71 = tensor.empty() : tensor<2147483648x8xf32>
    %72 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%50, %70 : tensor<2147483648x8xf32>, tensor<2147483648x8xf32>) outs(%71 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.addf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x8xf32>
    %73 = tensor.empty() : tensor<2147483648xf32>
    %74 = linalg.fill ins(%cst_1 : f32) outs(%73 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %75 = linalg.generic {indexing_maps = [#map3, #map1], iterator_types = ["parallel", "reduction"]} ins(%72 : tensor<2147483648x8xf32>) outs(%74 : tensor<2147483648xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %in : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648xf32>
    %76 = tensor.empty() : tensor<2147483648x8xf32>
    %77 = linalg.generic {indexing_maps = [#map3, #map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%72, %75, %arg10 : tensor<2147483648x8xf32>, tensor<2147483648xf32>, tensor<8xf32>) outs(%76 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %in_23: f32, %out: f32):
      %145 = arith.divf %in_22, %cst_2 : f32
      %146 = arith.addf %145, %cst_3 : f32
      %147 = math.rsqrt %146 : f32
      %148 = arith.mulf %in, %147 : f32
      %149 = arith.mulf %148, %in_23 : f32
      linalg.yield %149 : f32
    } -> tensor<2147483648x8xf32>
    %78 = tensor.empty() : tensor<2147483648x4xf32>
    %79 = linalg.fill ins(%cst_1 : f32) outs(%78 : tensor<2147483648x4xf32>) -> tensor<2147483648x4xf32>
    %80 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%77, %arg14 : tensor<2147483648x8xf32>, tensor<4x8xf32>) outs(%79 : tensor<2147483648x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x4xf32>
    %expanded_13 = tensor.expand_shape %80 [[0], [1, 2]] output_shape [3, 1, 4] : tensor<2147483648x4xf32> into tensor<2147483648x1x4xf32>
    %81 = tensor.empty() : tensor<2147483648x4xf32>
    %82 = linalg.fill ins(%cst_1 : f32) outs(%81 : tensor<2147483648x4xf32>) -> tensor<2147483648x4xf32>
    %83 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%77, %arg13 : tensor<2147483648x8xf32>, tensor<4x8xf32>) outs(%82 : tensor<2147483648x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x4xf32>
    %expanded_14 = tensor.expand_shape %83 [[0], [1, 2]] output_shape [3, 1, 4] : tensor<2147483648x4xf32> into tensor<2147483648x1x4xf32>
    %84 = tensor.empty() : tensor<2147483648x8xf32>
    %85 = linalg.fill ins(%cst_1 : f32) outs(%84 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %86 = linalg.contract indexing_maps = [#map5, #map6, #map7] ins(%77, %arg12 : tensor<2147483648x8xf32>, tensor<8x8xf32>) outs(%85 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %expanded_15 = tensor.expand_shape %86 [[0], [1, 2]] output_shape [3, 2, 4] : tensor<2147483648x8xf32> into tensor<2147483648x2x4xf32>
    %87 = tensor.empty() : tensor<2147483648x2x4xf32>
    %88 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_15 : tensor<2147483648x2x4xf32>) outs(%87 : tensor<2147483648x2x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.addi %147, %c2 : index
      %149 = arith.remui %148, %c4 : index
      %150 = arith.remui %147, %c2 : index
      %extracted = tensor.extract %expanded_15[%145, %146, %149] : tensor<2147483648x2x4xf32>
      %extracted_22 = tensor.extract %9[%145, %150] : tensor<2147483648x2xf32>
      %extracted_23 = tensor.extract %11[%145, %150] : tensor<2147483648x2xf32>
      %151 = arith.mulf %in, %extracted_22 : f32
      %152 = arith.mulf %extracted, %extracted_23 : f32
      %153 = arith.subf %151, %152 : f32
      %154 = arith.addf %151, %152 : f32
      %155 = arith.cmpi ult, %147, %c2 : index
      %156 = arith.select %155, %153, %154 : f32
      linalg.yield %156 : f32
    } -> tensor<2147483648x2x4xf32>
    %89 = tensor.empty() : tensor<2147483648x1x4xf32>
    %90 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_14 : tensor<2147483648x1x4xf32>) outs(%89 : tensor<2147483648x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.addi %147, %c2 : index
      %149 = arith.remui %148, %c4 : index
      %150 = arith.remui %147, %c2 : index
      %extracted = tensor.extract %expanded_14[%145, %146, %149] : tensor<2147483648x1x4xf32>
      %extracted_22 = tensor.extract %9[%145, %150] : tensor<2147483648x2xf32>
      %extracted_23 = tensor.extract %11[%145, %150] : tensor<2147483648x2xf32>
      %151 = arith.mulf %in, %extracted_22 : f32
      %152 = arith.mulf %extracted, %extracted_23 : f32
      %153 = arith.subf %151, %152 : f32
      %154 = arith.addf %151, %152 : f32
      %155 = arith.cmpi ult, %147, %c2 : index
      %156 = arith.select %155, %153, %154 : f32
      linalg.yield %156 : f32
    } -> tensor<2147483648x1x4xf32>
    %extracted_slice_16 = tensor.extract_slice %inserted_slice[1, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<2x16x1x4xf32> to tensor<16x1x4xf32>
    %91 = tensor.empty() : tensor<16x1x4xf32>
    %92 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_16 : tensor<16x1x4xf32>) outs(%91 : tensor<16x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.subi %145, %0 : index
      %149 = arith.maxsi %148, %c0 : index
      %150 = arith.minsi %149, %c2 : index
      %151 = arith.cmpi eq, %148, %150 : index
      %extracted = tensor.extract %90[%150, %146, %147] : tensor<2147483648x1x4xf32>
      %152 = arith.select %151, %extracted, %in : f32
      linalg.yield %152 : f32
    } -> tensor<16x1x4xf32>
    %inserted_slice_17 = tensor.insert_slice %92 into %inserted_slice[1, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<16x1x4xf32> into tensor<2x16x1x4xf32>
    %extracted_slice_18 = tensor.extract_slice %inserted_slice_11[1, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<2x16x1x4xf32> to tensor<16x1x4xf32>
    %93 = tensor.empty() : tensor<16x1x4xf32>
    %94 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_18 : tensor<16x1x4xf32>) outs(%93 : tensor<16x1x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = linalg.index 0 : index
      %146 = linalg.index 1 : index
      %147 = linalg.index 2 : index
      %148 = arith.subi %145, %0 : index
      %149 = arith.maxsi %148, %c0 : index
      %150 = arith.minsi %149, %c2 : index
      %151 = arith.cmpi eq, %148, %150 : index
      %extracted = tensor.extract %expanded_13[%150, %146, %147] : tensor<2147483648x1x4xf32>
      %152 = arith.select %151, %extracted, %in : f32
      linalg.yield %152 : f32
    } -> tensor<16x1x4xf32>
    %inserted_slice_19 = tensor.insert_slice %94 into %inserted_slice_11[1, 0, 0, 0] [1, 16, 1, 4] [1, 1, 1, 1] : tensor<16x1x4xf32> into tensor<2x16x1x4xf32>
    %expanded_20 = tensor.expand_shape %88 [[0], [1, 2], [3]] output_shape [3, 1, 2, 4] : tensor<2147483648x2x4xf32> into tensor<2147483648x1x2x4xf32>
    %95 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %96 = linalg.fill ins(%cst_1 : f32) outs(%95 : tensor<1x2x2147483648x16xf32>) -> tensor<1x2x2147483648x16xf32>
    %97 = linalg.generic {indexing_maps = [#map8, #map9, #map10], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%expanded_20, %92 : tensor<2147483648x1x2x4xf32>, tensor<16x1x4xf32>) outs(%96 : tensor<1x2x2147483648x16xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<1x2x2147483648x16xf32>
    %98 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %99 = linalg.generic {indexing_maps = [#map11, #map11], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%97 : tensor<1x2x2147483648x16xf32>) outs(%98 : tensor<1x2x2147483648x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %cst_4 : f32
      %146 = linalg.index 2 : index
      %147 = linalg.index 3 : index
      %148 = arith.addi %0, %146 : index
      %149 = arith.cmpi sle, %147, %148 : index
      %150 = arith.select %149, %145, %cst_5 : f32
      linalg.yield %150 : f32
    } -> tensor<1x2x2147483648x16xf32>
    %100 = tensor.empty() : tensor<1x2x2147483648x16xf32>
    %101 = linalg.softmax dimension(3) ins(%99 : tensor<1x2x2147483648x16xf32>) outs(%100 : tensor<1x2x2147483648x16xf32>) -> tensor<1x2x2147483648x16xf32>
    %102 = tensor.empty() : tensor<2147483648x1x2x4xf32>
    %103 = linalg.fill ins(%cst_1 : f32) outs(%102 : tensor<2147483648x1x2x4xf32>) -> tensor<2147483648x1x2x4xf32>
    %104 = linalg.generic {indexing_maps = [#map12, #map13, #map10], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%101, %94 : tensor<1x2x2147483648x16xf32>, tensor<16x1x4xf32>) outs(%103 : tensor<2147483648x1x2x4xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x1x2x4xf32>
    %collapsed_21 = tensor.collapse_shape %104 [[0], [1, 2, 3]] : tensor<2147483648x1x2x4xf32> into tensor<2147483648x8xf32>
    %105 = tensor.empty() : tensor<2147483648x8xf32>
    %106 = linalg.fill ins(%cst_1 : f32) outs(%105 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %107 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%collapsed_21, %arg15 : tensor<2147483648x8xf32>, tensor<8x8xf32>) outs(%106 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x8xf32>
    %108 = tensor.empty() : tensor<2147483648x8xf32>
    %109 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%72, %107 : tensor<2147483648x8xf32>, tensor<2147483648x8xf32>) outs(%108 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.addf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x8xf32>
    %110 = tensor.empty() : tensor<2147483648xf32>
    %111 = linalg.fill ins(%cst_1 : f32) outs(%110 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %112 = linalg.generic {indexing_maps = [#map3, #map1], iterator_types = ["parallel", "reduction"]} ins(%109 : tensor<2147483648x8xf32>) outs(%111 : tensor<2147483648xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %in : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648xf32>
    %113 = tensor.empty() : tensor<2147483648x8xf32>
    %114 = linalg.generic {indexing_maps = [#map3, #map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%109, %112, %arg11 : tensor<2147483648x8xf32>, tensor<2147483648xf32>, tensor<8xf32>) outs(%113 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %in_23: f32, %out: f32):
      %145 = arith.divf %in_22, %cst_2 : f32
      %146 = arith.addf %145, %cst_3 : f32
      %147 = math.rsqrt %146 : f32
      %148 = arith.mulf %in, %147 : f32
      %149 = arith.mulf %148, %in_23 : f32
      linalg.yield %149 : f32
    } -> tensor<2147483648x8xf32>
    %115 = tensor.empty() : tensor<2147483648x12xf32>
    %116 = linalg.fill ins(%cst_1 : f32) outs(%115 : tensor<2147483648x12xf32>) -> tensor<2147483648x12xf32>
    %117 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%114, %arg17 : tensor<2147483648x8xf32>, tensor<12x8xf32>) outs(%116 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x12xf32>
    %118 = tensor.empty() : tensor<2147483648x12xf32>
    %119 = linalg.fill ins(%cst_1 : f32) outs(%118 : tensor<2147483648x12xf32>) -> tensor<2147483648x12xf32>
    %120 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%114, %arg16 : tensor<2147483648x8xf32>, tensor<12x8xf32>) outs(%119 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x12xf32>
    %121 = tensor.empty() : tensor<2147483648x12xf32>
    %122 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%120 : tensor<2147483648x12xf32>) outs(%121 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.negf %in : f32
      %146 = math.exp %145 : f32
      %147 = arith.addf %146, %cst_6 : f32
      %148 = arith.divf %cst_6, %147 : f32
      linalg.yield %148 : f32
    } -> tensor<2147483648x12xf32>
    %123 = tensor.empty() : tensor<2147483648x12xf32>
    %124 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%120, %122 : tensor<2147483648x12xf32>, tensor<2147483648x12xf32>) outs(%123 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x12xf32>
    %125 = tensor.empty() : tensor<2147483648x12xf32>
    %126 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%124, %117 : tensor<2147483648x12xf32>, tensor<2147483648x12xf32>) outs(%125 : tensor<2147483648x12xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x12xf32>
    %127 = tensor.empty() : tensor<2147483648x8xf32>
    %128 = linalg.fill ins(%cst_1 : f32) outs(%127 : tensor<2147483648x8xf32>) -> tensor<2147483648x8xf32>
    %129 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%126, %arg18 : tensor<2147483648x12xf32>, tensor<8x12xf32>) outs(%128 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x8xf32>
    %130 = tensor.empty() : tensor<2147483648x8xf32>
    %131 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%109, %129 : tensor<2147483648x8xf32>, tensor<2147483648x8xf32>) outs(%130 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.addf %in, %in_22 : f32
      linalg.yield %145 : f32
    } -> tensor<2147483648x8xf32>
    %132 = tensor.empty() : tensor<2147483648xf32>
    %133 = linalg.fill ins(%cst_1 : f32) outs(%132 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %134 = linalg.generic {indexing_maps = [#map3, #map1], iterator_types = ["parallel", "reduction"]} ins(%131 : tensor<2147483648x8xf32>) outs(%133 : tensor<2147483648xf32>) {
    ^bb0(%in: f32, %out: f32):
      %145 = arith.mulf %in, %in : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648xf32>
    %135 = tensor.empty() : tensor<2147483648x8xf32>
    %136 = linalg.generic {indexing_maps = [#map3, #map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%131, %134, %arg19 : tensor<2147483648x8xf32>, tensor<2147483648xf32>, tensor<8xf32>) outs(%135 : tensor<2147483648x8xf32>) {
    ^bb0(%in: f32, %in_22: f32, %in_23: f32, %out: f32):
      %145 = arith.divf %in_22, %cst_2 : f32
      %146 = arith.addf %145, %cst_3 : f32
      %147 = math.rsqrt %146 : f32
      %148 = arith.mulf %in, %147 : f32
      %149 = arith.mulf %148, %in_23 : f32
      linalg.yield %149 : f32
    } -> tensor<2147483648x8xf32>
    %137 = tensor.empty() : tensor<2147483648x32xf32>
    %138 = linalg.fill ins(%cst_1 : f32) outs(%137 : tensor<2147483648x32xf32>) -> tensor<2147483648x32xf32>
    %139 = linalg.generic {indexing_maps = [#map5, #map6, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%136, %arg0 : tensor<2147483648x8xf32>, tensor<32x8xf32>) outs(%138 : tensor<2147483648x32xf32>) {
    ^bb0(%in: f32, %in_22: f32, %out: f32):
      %145 = arith.mulf %in, %in_22 : f32
      %146 = arith.addf %out, %145 : f32
      linalg.yield %146 : f32
    } -> tensor<2147483648x32xf32>
    %140 = tensor.empty() : tensor<2147483648xf32>
    %141 = linalg.fill ins(%cst_7 : f32) outs(%140 : tensor<2147483648xf32>) -> tensor<2147483648xf32>
    %142 = tensor.empty() : tensor<2147483648xi64>
    %143 = linalg.fill ins(%c0_i64 : i64) outs(%142 : tensor<2147483648xi64>) -> tensor<2147483648xi64>
    %144:2 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "reduction"]} ins(%139 : tensor<2147483648x32xf32>) outs(%141, %143 : tensor<2147483648xf32>, tensor<2147483648xi64>) {
    ^bb0(%in: f32, %out: f32, %out_22: i64):
      %145 = linalg.index 1 : index
      %146 = arith.index_cast %145 : index to i64
      %147 = arith.maximumf %in, %out : f32
      %148 = arith.cmpf ogt, %in, %out : f32
      %149 = arith.select %148, %146, %out_22 : i64
      linalg.yield %147, %149 : f32, i64
    } -> (tensor<2147483648xf32>, tensor<2147483648xi64>)
    return %inserted_slice_17, %inserted_slice_19, %144#1 : tensor<2x16x1x4xf32>, tensor<2x16x1x4xf32>, tensor<2147483648xi64>
  }
}

