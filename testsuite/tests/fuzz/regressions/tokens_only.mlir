#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0, d1) -> (d0)>
#map2 = affine_map<(d0, d1) -> (d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
#map4 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map5 = affine_map<(d0, d1, d2) -> (d0, d1)>
module {
  func.func @main(%arg0: tensor<1x1xi64>, %arg1: tensor<1x1x16x4xf32>, %arg2: tensor<1x1x16x4xf32>, %arg3: tensor<1xi64>, %arg4: tensor<32x8xf32>, %arg5: tensor<8xf32>, %arg6: tensor<8xf32>, %arg7: tensor<8x8xf32>, %arg8: tensor<8x4xf32>, %arg9: tensor<8x4xf32>, %arg10: tensor<8x8xf32>, %arg11: tensor<8x12xf32>, %arg12: tensor<8x12xf32>, %arg13: tensor<12x8xf32>, %arg14: tensor<8xf32>) -> (tensor<1x1xi64>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>) {
    %1 = arith.constant 0 : index
    %11 = arith.constant -5.0e-1 : f32
    %12 = arith.constant 1.0e4 : f32
    %38 = arith.constant 16 : index
    %49 = arith.constant 0.0e0 : f32
    %50 = arith.constant -1.0e30 : f32
    %57 = arith.constant 0 : i64
    %58 = arith.constant 32 : index
    %59 = arith.constant 31 : i64
    %73 = arith.constant 8.0e0 : f32
    %79 = arith.constant 1.0e-5 : f32
    %187 = arith.constant 5.0e-1 : f32
    %197 = arith.constant 0xFF800000 : f32
    %280 = arith.constant 1.0e0 : f32
    %0 = tensor.collapse_shape %arg0 [[0, 1]] : tensor<1x1xi64> into tensor<1xi64>
    %2 = tensor.extract %arg3[%1] : tensor<1xi64>
    %3 = arith.index_cast %2 : i64 to index
    %4 = tensor.empty() : tensor<1xi64>
    %5 = arith.index_cast %3 : index to i64
    %6 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%4 : tensor<1xi64>) {
    ^bb0(%7: i64):
      %8 = linalg.index 0 : index
      %9 = arith.index_cast %8 : index to i64
      %10 = arith.addi %9, %5 : i64
      linalg.yield %10 : i64
    } -> tensor<1xi64>
    %13 = tensor.empty() : tensor<2xf32>
    %14 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%13 : tensor<2xf32>) {
    ^bb0(%15: f32):
      %16 = linalg.index 0 : index
      %17 = arith.index_cast %16 : index to i64
      %18 = arith.sitofp %17 : i64 to f32
      %19 = arith.mulf %18, %11 : f32
      %20 = math.powf %12, %19 : f32
      linalg.yield %20 : f32
    } -> tensor<2xf32>
    %21 = tensor.empty() : tensor<1x2xf32>
    %22 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%6, %14 : tensor<1xi64>, tensor<2xf32>) outs(%21 : tensor<1x2xf32>) {
    ^bb0(%23: i64, %24: f32, %25: f32):
      %26 = arith.sitofp %23 : i64 to f32
      %27 = arith.mulf %26, %24 : f32
      linalg.yield %27 : f32
    } -> tensor<1x2xf32>
    %28 = tensor.empty() : tensor<1x2xf32>
    %29 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%22 : tensor<1x2xf32>) outs(%28 : tensor<1x2xf32>) {
    ^bb0(%30: f32, %31: f32):
      %32 = math.cos %30 : f32
      linalg.yield %32 : f32
    } -> tensor<1x2xf32>
    %33 = tensor.empty() : tensor<1x2xf32>
    %34 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%22 : tensor<1x2xf32>) outs(%33 : tensor<1x2xf32>) {
    ^bb0(%35: f32, %36: f32):
      %37 = math.sin %35 : f32
      linalg.yield %37 : f32
    } -> tensor<1x2xf32>
    %39 = tensor.empty() : tensor<1x17xi1>
    %40 = linalg.generic {indexing_maps = [#map3], iterator_types = ["parallel", "parallel"]} outs(%39 : tensor<1x17xi1>) {
    ^bb0(%41: i1):
      %42 = linalg.index 0 : index
      %43 = linalg.index 1 : index
      %44 = arith.cmpi slt, %43, %38 : index
      %45 = arith.cmpi slt, %43, %3 : index
      %46 = arith.subi %43, %38 : index
      %47 = arith.cmpi sle, %46, %42 : index
      %48 = arith.select %44, %45, %47 : i1
      linalg.yield %48 : i1
    } -> tensor<1x17xi1>
    %51 = tensor.empty() : tensor<1x17xf32>
    %52 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%40 : tensor<1x17xi1>) outs(%51 : tensor<1x17xf32>) {
    ^bb0(%53: i1, %54: f32):
      %55 = arith.select %53, %49, %50 : f32
      linalg.yield %55 : f32
    } -> tensor<1x17xf32>
    %56 = tensor.empty() : tensor<1x8xf32>
    %60 = linalg.generic {indexing_maps = [#map1, #map3], iterator_types = ["parallel", "parallel"]} ins(%0 : tensor<1xi64>) outs(%56 : tensor<1x8xf32>) {
    ^bb0(%61: i64, %62: f32):
      %63 = linalg.index 1 : index
      %64 = arith.index_cast %61 : i64 to index
      %65 = tensor.extract %arg4[%64, %63] : tensor<32x8xf32>
      linalg.yield %65 : f32
    } -> tensor<1x8xf32>
    %66 = tensor.expand_shape %60 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %67 = tensor.empty() : tensor<1x1x8xf32>
    %68 = linalg.mul ins(%66, %66 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%67 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %69 = tensor.empty() : tensor<1x1xf32>
    %70 = linalg.fill ins(%49 : f32) outs(%69 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %71 = linalg.reduce { arith.addf } ins(%68 : tensor<1x1x8xf32>) outs(%70 : tensor<1x1xf32>) dimensions = [2]
    %72 = tensor.expand_shape %71 [[0], [1, 2]] output_shape [1, 1, 1] : tensor<1x1xf32> into tensor<1x1x1xf32>
    %74 = tensor.empty() : tensor<1x1x1xf32>
    %75 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%72 : tensor<1x1x1xf32>) outs(%74 : tensor<1x1x1xf32>) {
    ^bb0(%76: f32, %77: f32):
      %78 = arith.divf %76, %73 : f32
      linalg.yield %78 : f32
    } -> tensor<1x1x1xf32>
    %80 = tensor.empty() : tensor<1x1x1xf32>
    %81 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%75 : tensor<1x1x1xf32>) outs(%80 : tensor<1x1x1xf32>) {
    ^bb0(%82: f32, %83: f32):
      %84 = arith.addf %82, %79 : f32
      linalg.yield %84 : f32
    } -> tensor<1x1x1xf32>
    %85 = tensor.empty() : tensor<1x1x1xf32>
    %86 = linalg.rsqrt ins(%81 : tensor<1x1x1xf32>) outs(%85 : tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
    %87 = tensor.empty() : tensor<1x1x8xf32>
    %88 = tensor.collapse_shape %86 [[0], [1, 2]] : tensor<1x1x1xf32> into tensor<1x1xf32>
    %89 = linalg.broadcast ins(%88 : tensor<1x1xf32>) outs(%87 : tensor<1x1x8xf32>) dimensions = [2]
    %90 = tensor.empty() : tensor<1x1x8xf32>
    %91 = linalg.mul ins(%66, %89 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%90 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %92 = tensor.empty() : tensor<1x1x8xf32>
    %93 = linalg.broadcast ins(%arg5 : tensor<8xf32>) outs(%92 : tensor<1x1x8xf32>) dimensions = [0, 1]
    %94 = tensor.empty() : tensor<1x1x8xf32>
    %95 = linalg.mul ins(%91, %93 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%94 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %96 = tensor.collapse_shape %95 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %97 = tensor.expand_shape %arg7 [[0, 1], [2]] output_shape [1, 8, 8] : tensor<8x8xf32> into tensor<1x8x8xf32>
    %98 = tensor.expand_shape %96 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %99 = tensor.empty() : tensor<1x1x8xf32>
    %100 = linalg.fill ins(%49 : f32) outs(%99 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %101 = linalg.batch_matmul ins(%98, %97 : tensor<1x1x8xf32>, tensor<1x8x8xf32>) outs(%100 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %102 = tensor.collapse_shape %101 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %103 = tensor.expand_shape %102 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %104 = tensor.collapse_shape %103 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %105 = tensor.expand_shape %104 [[0], [1, 2]] output_shape [1, 2, 4] : tensor<1x8xf32> into tensor<1x2x4xf32>
    %106 = tensor.empty() : tensor<2x1x4xf32>
    %107 = linalg.transpose ins(%105 : tensor<1x2x4xf32>) outs(%106 : tensor<2x1x4xf32>) permutation = [1, 0, 2]
    %108 = tensor.collapse_shape %95 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %109 = tensor.expand_shape %arg8 [[0, 1], [2]] output_shape [1, 8, 4] : tensor<8x4xf32> into tensor<1x8x4xf32>
    %110 = tensor.expand_shape %108 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %111 = tensor.empty() : tensor<1x1x4xf32>
    %112 = linalg.fill ins(%49 : f32) outs(%111 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %113 = linalg.batch_matmul ins(%110, %109 : tensor<1x1x8xf32>, tensor<1x8x4xf32>) outs(%112 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %114 = tensor.collapse_shape %113 [[0], [1, 2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
    %115 = tensor.expand_shape %114 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %116 = tensor.collapse_shape %115 [[0], [1, 2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
    %117 = tensor.expand_shape %116 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %118 = tensor.empty() : tensor<1x1x4xf32>
    %119 = linalg.transpose ins(%117 : tensor<1x1x4xf32>) outs(%118 : tensor<1x1x4xf32>) permutation = [1, 0, 2]
    %120 = tensor.collapse_shape %95 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %121 = tensor.expand_shape %arg9 [[0, 1], [2]] output_shape [1, 8, 4] : tensor<8x4xf32> into tensor<1x8x4xf32>
    %122 = tensor.expand_shape %120 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %123 = tensor.empty() : tensor<1x1x4xf32>
    %124 = linalg.fill ins(%49 : f32) outs(%123 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %125 = linalg.batch_matmul ins(%122, %121 : tensor<1x1x8xf32>, tensor<1x8x4xf32>) outs(%124 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %126 = tensor.collapse_shape %125 [[0], [1, 2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
    %127 = tensor.expand_shape %126 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %128 = tensor.collapse_shape %127 [[0], [1, 2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
    %129 = tensor.expand_shape %128 [[0], [1, 2]] output_shape [1, 1, 4] : tensor<1x4xf32> into tensor<1x1x4xf32>
    %130 = tensor.empty() : tensor<1x1x4xf32>
    %131 = linalg.transpose ins(%129 : tensor<1x1x4xf32>) outs(%130 : tensor<1x1x4xf32>) permutation = [1, 0, 2]
    %132 = tensor.extract_slice %107[0, 0, 0] [2, 1, 2] [1, 1, 1] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
    %133 = tensor.extract_slice %107[0, 0, 2] [2, 1, 2] [1, 1, 1] : tensor<2x1x4xf32> to tensor<2x1x2xf32>
    %134 = tensor.empty() : tensor<2x1x2xf32>
    %135 = linalg.negf ins(%133 : tensor<2x1x2xf32>) outs(%134 : tensor<2x1x2xf32>) -> tensor<2x1x2xf32>
    %136 = tensor.concat dim(2) %135, %132 : (tensor<2x1x2xf32>, tensor<2x1x2xf32>) -> tensor<2x1x4xf32>
    %137 = tensor.concat dim(1) %29, %29 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
    %138 = tensor.concat dim(1) %34, %34 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
    %139 = tensor.empty() : tensor<2x1x4xf32>
    %140 = linalg.broadcast ins(%137 : tensor<1x4xf32>) outs(%139 : tensor<2x1x4xf32>) dimensions = [0]
    %141 = tensor.empty() : tensor<2x1x4xf32>
    %142 = linalg.mul ins(%107, %140 : tensor<2x1x4xf32>, tensor<2x1x4xf32>) outs(%141 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
    %143 = tensor.empty() : tensor<2x1x4xf32>
    %144 = linalg.broadcast ins(%138 : tensor<1x4xf32>) outs(%143 : tensor<2x1x4xf32>) dimensions = [0]
    %145 = tensor.empty() : tensor<2x1x4xf32>
    %146 = linalg.mul ins(%136, %144 : tensor<2x1x4xf32>, tensor<2x1x4xf32>) outs(%145 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
    %147 = tensor.empty() : tensor<2x1x4xf32>
    %148 = linalg.add ins(%142, %146 : tensor<2x1x4xf32>, tensor<2x1x4xf32>) outs(%147 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
    %149 = tensor.extract_slice %119[0, 0, 0] [1, 1, 2] [1, 1, 1] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
    %150 = tensor.extract_slice %119[0, 0, 2] [1, 1, 2] [1, 1, 1] : tensor<1x1x4xf32> to tensor<1x1x2xf32>
    %151 = tensor.empty() : tensor<1x1x2xf32>
    %152 = linalg.negf ins(%150 : tensor<1x1x2xf32>) outs(%151 : tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
    %153 = tensor.concat dim(2) %152, %149 : (tensor<1x1x2xf32>, tensor<1x1x2xf32>) -> tensor<1x1x4xf32>
    %154 = tensor.concat dim(1) %29, %29 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
    %155 = tensor.concat dim(1) %34, %34 : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x4xf32>
    %156 = tensor.empty() : tensor<1x1x4xf32>
    %157 = linalg.broadcast ins(%154 : tensor<1x4xf32>) outs(%156 : tensor<1x1x4xf32>) dimensions = [0]
    %158 = tensor.empty() : tensor<1x1x4xf32>
    %159 = linalg.mul ins(%119, %157 : tensor<1x1x4xf32>, tensor<1x1x4xf32>) outs(%158 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %160 = tensor.empty() : tensor<1x1x4xf32>
    %161 = linalg.broadcast ins(%155 : tensor<1x4xf32>) outs(%160 : tensor<1x1x4xf32>) dimensions = [0]
    %162 = tensor.empty() : tensor<1x1x4xf32>
    %163 = linalg.mul ins(%153, %161 : tensor<1x1x4xf32>, tensor<1x1x4xf32>) outs(%162 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %164 = tensor.empty() : tensor<1x1x4xf32>
    %165 = linalg.add ins(%159, %163 : tensor<1x1x4xf32>, tensor<1x1x4xf32>) outs(%164 : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
    %166 = tensor.collapse_shape %arg1 [[0], [1, 2], [3]] : tensor<1x1x16x4xf32> into tensor<1x16x4xf32>
    %167 = tensor.concat dim(1) %166, %165 : (tensor<1x16x4xf32>, tensor<1x1x4xf32>) -> tensor<1x17x4xf32>
    %168 = tensor.expand_shape %165 [[0], [1], [2, 3]] output_shape [1, 1, 1, 4] : tensor<1x1x4xf32> into tensor<1x1x1x4xf32>
    %169 = tensor.collapse_shape %arg2 [[0], [1, 2], [3]] : tensor<1x1x16x4xf32> into tensor<1x16x4xf32>
    %170 = tensor.concat dim(1) %169, %131 : (tensor<1x16x4xf32>, tensor<1x1x4xf32>) -> tensor<1x17x4xf32>
    %171 = tensor.expand_shape %131 [[0], [1], [2, 3]] output_shape [1, 1, 1, 4] : tensor<1x1x4xf32> into tensor<1x1x1x4xf32>
    %172 = tensor.expand_shape %167 [[0], [1, 2], [3]] output_shape [1, 1, 17, 4] : tensor<1x17x4xf32> into tensor<1x1x17x4xf32>
    %173 = tensor.empty() : tensor<1x2x17x4xf32>
    %174 = tensor.collapse_shape %172 [[0], [1, 2], [3]] : tensor<1x1x17x4xf32> into tensor<1x17x4xf32>
    %175 = linalg.broadcast ins(%174 : tensor<1x17x4xf32>) outs(%173 : tensor<1x2x17x4xf32>) dimensions = [1]
    %176 = tensor.collapse_shape %175 [[0, 1], [2], [3]] : tensor<1x2x17x4xf32> into tensor<2x17x4xf32>
    %177 = tensor.expand_shape %170 [[0], [1, 2], [3]] output_shape [1, 1, 17, 4] : tensor<1x17x4xf32> into tensor<1x1x17x4xf32>
    %178 = tensor.empty() : tensor<1x2x17x4xf32>
    %179 = tensor.collapse_shape %177 [[0], [1, 2], [3]] : tensor<1x1x17x4xf32> into tensor<1x17x4xf32>
    %180 = linalg.broadcast ins(%179 : tensor<1x17x4xf32>) outs(%178 : tensor<1x2x17x4xf32>) dimensions = [1]
    %181 = tensor.collapse_shape %180 [[0, 1], [2], [3]] : tensor<1x2x17x4xf32> into tensor<2x17x4xf32>
    %182 = tensor.empty() : tensor<2x4x17xf32>
    %183 = linalg.transpose ins(%176 : tensor<2x17x4xf32>) outs(%182 : tensor<2x4x17xf32>) permutation = [0, 2, 1]
    %184 = tensor.empty() : tensor<2x1x17xf32>
    %185 = linalg.fill ins(%49 : f32) outs(%184 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %186 = linalg.batch_matmul ins(%148, %183 : tensor<2x1x4xf32>, tensor<2x4x17xf32>) outs(%185 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %188 = tensor.empty() : tensor<2x1x17xf32>
    %189 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%186 : tensor<2x1x17xf32>) outs(%188 : tensor<2x1x17xf32>) {
    ^bb0(%190: f32, %191: f32):
      %192 = arith.mulf %190, %187 : f32
      linalg.yield %192 : f32
    } -> tensor<2x1x17xf32>
    %193 = tensor.empty() : tensor<2x1x17xf32>
    %194 = linalg.broadcast ins(%52 : tensor<1x17xf32>) outs(%193 : tensor<2x1x17xf32>) dimensions = [0]
    %195 = tensor.empty() : tensor<2x1x17xf32>
    %196 = linalg.add ins(%189, %194 : tensor<2x1x17xf32>, tensor<2x1x17xf32>) outs(%195 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %198 = tensor.empty() : tensor<2x1xf32>
    %199 = linalg.fill ins(%197 : f32) outs(%198 : tensor<2x1xf32>) -> tensor<2x1xf32>
    %200 = linalg.reduce { arith.maximumf } ins(%196 : tensor<2x1x17xf32>) outs(%199 : tensor<2x1xf32>) dimensions = [2]
    %201 = tensor.expand_shape %200 [[0], [1, 2]] output_shape [2, 1, 1] : tensor<2x1xf32> into tensor<2x1x1xf32>
    %202 = tensor.empty() : tensor<2x1x17xf32>
    %203 = tensor.collapse_shape %201 [[0], [1, 2]] : tensor<2x1x1xf32> into tensor<2x1xf32>
    %204 = linalg.broadcast ins(%203 : tensor<2x1xf32>) outs(%202 : tensor<2x1x17xf32>) dimensions = [2]
    %205 = tensor.empty() : tensor<2x1x17xf32>
    %206 = linalg.sub ins(%196, %204 : tensor<2x1x17xf32>, tensor<2x1x17xf32>) outs(%205 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %207 = tensor.empty() : tensor<2x1x17xf32>
    %208 = linalg.exp ins(%206 : tensor<2x1x17xf32>) outs(%207 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %209 = tensor.empty() : tensor<2x1xf32>
    %210 = linalg.fill ins(%49 : f32) outs(%209 : tensor<2x1xf32>) -> tensor<2x1xf32>
    %211 = linalg.reduce { arith.addf } ins(%208 : tensor<2x1x17xf32>) outs(%210 : tensor<2x1xf32>) dimensions = [2]
    %212 = tensor.expand_shape %211 [[0], [1, 2]] output_shape [2, 1, 1] : tensor<2x1xf32> into tensor<2x1x1xf32>
    %213 = tensor.empty() : tensor<2x1x17xf32>
    %214 = tensor.collapse_shape %212 [[0], [1, 2]] : tensor<2x1x1xf32> into tensor<2x1xf32>
    %215 = linalg.broadcast ins(%214 : tensor<2x1xf32>) outs(%213 : tensor<2x1x17xf32>) dimensions = [2]
    %216 = tensor.empty() : tensor<2x1x17xf32>
    %217 = linalg.div ins(%208, %215 : tensor<2x1x17xf32>, tensor<2x1x17xf32>) outs(%216 : tensor<2x1x17xf32>) -> tensor<2x1x17xf32>
    %218 = tensor.empty() : tensor<2x1x4xf32>
    %219 = linalg.fill ins(%49 : f32) outs(%218 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
    %220 = linalg.batch_matmul ins(%217, %181 : tensor<2x1x17xf32>, tensor<2x17x4xf32>) outs(%219 : tensor<2x1x4xf32>) -> tensor<2x1x4xf32>
    %221 = tensor.collapse_shape %220 [[0], [1, 2]] : tensor<2x1x4xf32> into tensor<2x4xf32>
    %222 = tensor.expand_shape %221 [[0], [1, 2]] output_shape [2, 1, 4] : tensor<2x4xf32> into tensor<2x1x4xf32>
    %223 = tensor.empty() : tensor<1x2x4xf32>
    %224 = linalg.transpose ins(%222 : tensor<2x1x4xf32>) outs(%223 : tensor<1x2x4xf32>) permutation = [1, 0, 2]
    %225 = tensor.collapse_shape %224 [[0], [1, 2]] : tensor<1x2x4xf32> into tensor<1x8xf32>
    %226 = tensor.expand_shape %225 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %227 = tensor.collapse_shape %226 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %228 = tensor.expand_shape %arg10 [[0, 1], [2]] output_shape [1, 8, 8] : tensor<8x8xf32> into tensor<1x8x8xf32>
    %229 = tensor.expand_shape %227 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %230 = tensor.empty() : tensor<1x1x8xf32>
    %231 = linalg.fill ins(%49 : f32) outs(%230 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %232 = linalg.batch_matmul ins(%229, %228 : tensor<1x1x8xf32>, tensor<1x8x8xf32>) outs(%231 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %233 = tensor.collapse_shape %232 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %234 = tensor.expand_shape %233 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %235 = tensor.empty() : tensor<1x1x8xf32>
    %236 = linalg.add ins(%66, %234 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%235 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %237 = tensor.empty() : tensor<1x1x8xf32>
    %238 = linalg.mul ins(%236, %236 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%237 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %239 = tensor.empty() : tensor<1x1xf32>
    %240 = linalg.fill ins(%49 : f32) outs(%239 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %241 = linalg.reduce { arith.addf } ins(%238 : tensor<1x1x8xf32>) outs(%240 : tensor<1x1xf32>) dimensions = [2]
    %242 = tensor.expand_shape %241 [[0], [1, 2]] output_shape [1, 1, 1] : tensor<1x1xf32> into tensor<1x1x1xf32>
    %243 = tensor.empty() : tensor<1x1x1xf32>
    %244 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%242 : tensor<1x1x1xf32>) outs(%243 : tensor<1x1x1xf32>) {
    ^bb0(%245: f32, %246: f32):
      %247 = arith.divf %245, %73 : f32
      linalg.yield %247 : f32
    } -> tensor<1x1x1xf32>
    %248 = tensor.empty() : tensor<1x1x1xf32>
    %249 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%244 : tensor<1x1x1xf32>) outs(%248 : tensor<1x1x1xf32>) {
    ^bb0(%250: f32, %251: f32):
      %252 = arith.addf %250, %79 : f32
      linalg.yield %252 : f32
    } -> tensor<1x1x1xf32>
    %253 = tensor.empty() : tensor<1x1x1xf32>
    %254 = linalg.rsqrt ins(%249 : tensor<1x1x1xf32>) outs(%253 : tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
    %255 = tensor.empty() : tensor<1x1x8xf32>
    %256 = tensor.collapse_shape %254 [[0], [1, 2]] : tensor<1x1x1xf32> into tensor<1x1xf32>
    %257 = linalg.broadcast ins(%256 : tensor<1x1xf32>) outs(%255 : tensor<1x1x8xf32>) dimensions = [2]
    %258 = tensor.empty() : tensor<1x1x8xf32>
    %259 = linalg.mul ins(%236, %257 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%258 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %260 = tensor.empty() : tensor<1x1x8xf32>
    %261 = linalg.broadcast ins(%arg6 : tensor<8xf32>) outs(%260 : tensor<1x1x8xf32>) dimensions = [0, 1]
    %262 = tensor.empty() : tensor<1x1x8xf32>
    %263 = linalg.mul ins(%259, %261 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%262 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %264 = tensor.collapse_shape %263 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %265 = tensor.expand_shape %arg11 [[0, 1], [2]] output_shape [1, 8, 12] : tensor<8x12xf32> into tensor<1x8x12xf32>
    %266 = tensor.expand_shape %264 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %267 = tensor.empty() : tensor<1x1x12xf32>
    %268 = linalg.fill ins(%49 : f32) outs(%267 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %269 = linalg.batch_matmul ins(%266, %265 : tensor<1x1x8xf32>, tensor<1x8x12xf32>) outs(%268 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %270 = tensor.collapse_shape %269 [[0], [1, 2]] : tensor<1x1x12xf32> into tensor<1x12xf32>
    %271 = tensor.expand_shape %270 [[0], [1, 2]] output_shape [1, 1, 12] : tensor<1x12xf32> into tensor<1x1x12xf32>
    %272 = tensor.collapse_shape %263 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %273 = tensor.expand_shape %arg12 [[0, 1], [2]] output_shape [1, 8, 12] : tensor<8x12xf32> into tensor<1x8x12xf32>
    %274 = tensor.expand_shape %272 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %275 = tensor.empty() : tensor<1x1x12xf32>
    %276 = linalg.fill ins(%49 : f32) outs(%275 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %277 = linalg.batch_matmul ins(%274, %273 : tensor<1x1x8xf32>, tensor<1x8x12xf32>) outs(%276 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %278 = tensor.collapse_shape %277 [[0], [1, 2]] : tensor<1x1x12xf32> into tensor<1x12xf32>
    %279 = tensor.expand_shape %278 [[0], [1, 2]] output_shape [1, 1, 12] : tensor<1x12xf32> into tensor<1x1x12xf32>
    %281 = tensor.empty() : tensor<1x1x12xf32>
    %282 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%271 : tensor<1x1x12xf32>) outs(%281 : tensor<1x1x12xf32>) {
    ^bb0(%283: f32, %284: f32):
      %285 = arith.negf %283 : f32
      %286 = math.exp %285 : f32
      %287 = arith.addf %286, %280 : f32
      %288 = arith.divf %280, %287 : f32
      linalg.yield %288 : f32
    } -> tensor<1x1x12xf32>
    %289 = tensor.empty() : tensor<1x1x12xf32>
    %290 = linalg.mul ins(%271, %282 : tensor<1x1x12xf32>, tensor<1x1x12xf32>) outs(%289 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %291 = tensor.empty() : tensor<1x1x12xf32>
    %292 = linalg.mul ins(%290, %279 : tensor<1x1x12xf32>, tensor<1x1x12xf32>) outs(%291 : tensor<1x1x12xf32>) -> tensor<1x1x12xf32>
    %293 = tensor.collapse_shape %292 [[0], [1, 2]] : tensor<1x1x12xf32> into tensor<1x12xf32>
    %294 = tensor.expand_shape %arg13 [[0, 1], [2]] output_shape [1, 12, 8] : tensor<12x8xf32> into tensor<1x12x8xf32>
    %295 = tensor.expand_shape %293 [[0], [1, 2]] output_shape [1, 1, 12] : tensor<1x12xf32> into tensor<1x1x12xf32>
    %296 = tensor.empty() : tensor<1x1x8xf32>
    %297 = linalg.fill ins(%49 : f32) outs(%296 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %298 = linalg.batch_matmul ins(%295, %294 : tensor<1x1x12xf32>, tensor<1x12x8xf32>) outs(%297 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %299 = tensor.collapse_shape %298 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %300 = tensor.expand_shape %299 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %301 = tensor.empty() : tensor<1x1x8xf32>
    %302 = linalg.add ins(%236, %300 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%301 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %303 = tensor.empty() : tensor<1x1x8xf32>
    %304 = linalg.mul ins(%302, %302 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%303 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %305 = tensor.empty() : tensor<1x1xf32>
    %306 = linalg.fill ins(%49 : f32) outs(%305 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %307 = linalg.reduce { arith.addf } ins(%304 : tensor<1x1x8xf32>) outs(%306 : tensor<1x1xf32>) dimensions = [2]
    %308 = tensor.expand_shape %307 [[0], [1, 2]] output_shape [1, 1, 1] : tensor<1x1xf32> into tensor<1x1x1xf32>
    %309 = tensor.empty() : tensor<1x1x1xf32>
    %310 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%308 : tensor<1x1x1xf32>) outs(%309 : tensor<1x1x1xf32>) {
    ^bb0(%311: f32, %312: f32):
      %313 = arith.divf %311, %73 : f32
      linalg.yield %313 : f32
    } -> tensor<1x1x1xf32>
    %314 = tensor.empty() : tensor<1x1x1xf32>
    %315 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel"]} ins(%310 : tensor<1x1x1xf32>) outs(%314 : tensor<1x1x1xf32>) {
    ^bb0(%316: f32, %317: f32):
      %318 = arith.addf %316, %79 : f32
      linalg.yield %318 : f32
    } -> tensor<1x1x1xf32>
    %319 = tensor.empty() : tensor<1x1x1xf32>
    %320 = linalg.rsqrt ins(%315 : tensor<1x1x1xf32>) outs(%319 : tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
    %321 = tensor.empty() : tensor<1x1x8xf32>
    %322 = tensor.collapse_shape %320 [[0], [1, 2]] : tensor<1x1x1xf32> into tensor<1x1xf32>
    %323 = linalg.broadcast ins(%322 : tensor<1x1xf32>) outs(%321 : tensor<1x1x8xf32>) dimensions = [2]
    %324 = tensor.empty() : tensor<1x1x8xf32>
    %325 = linalg.mul ins(%302, %323 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%324 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %326 = tensor.empty() : tensor<1x1x8xf32>
    %327 = linalg.broadcast ins(%arg14 : tensor<8xf32>) outs(%326 : tensor<1x1x8xf32>) dimensions = [0, 1]
    %328 = tensor.empty() : tensor<1x1x8xf32>
    %329 = linalg.mul ins(%325, %327 : tensor<1x1x8xf32>, tensor<1x1x8xf32>) outs(%328 : tensor<1x1x8xf32>) -> tensor<1x1x8xf32>
    %330 = tensor.collapse_shape %329 [[0], [1, 2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
    %331 = tensor.empty() : tensor<8x32xf32>
    %332 = linalg.transpose ins(%arg4 : tensor<32x8xf32>) outs(%331 : tensor<8x32xf32>) permutation = [1, 0]
    %333 = tensor.expand_shape %332 [[0, 1], [2]] output_shape [1, 8, 32] : tensor<8x32xf32> into tensor<1x8x32xf32>
    %334 = tensor.expand_shape %330 [[0], [1, 2]] output_shape [1, 1, 8] : tensor<1x8xf32> into tensor<1x1x8xf32>
    %335 = tensor.empty() : tensor<1x1x32xf32>
    %336 = linalg.fill ins(%49 : f32) outs(%335 : tensor<1x1x32xf32>) -> tensor<1x1x32xf32>
    %337 = linalg.batch_matmul ins(%334, %333 : tensor<1x1x8xf32>, tensor<1x8x32xf32>) outs(%336 : tensor<1x1x32xf32>) -> tensor<1x1x32xf32>
    %338 = tensor.collapse_shape %337 [[0], [1, 2]] : tensor<1x1x32xf32> into tensor<1x32xf32>
    %339 = tensor.expand_shape %338 [[0], [1, 2]] output_shape [1, 1, 32] : tensor<1x32xf32> into tensor<1x1x32xf32>
    %340 = tensor.empty() : tensor<1x1xf32>
    %341 = linalg.fill ins(%197 : f32) outs(%340 : tensor<1x1xf32>) -> tensor<1x1xf32>
    %342 = tensor.empty() : tensor<1x1xi64>
    %343 = linalg.fill ins(%57 : i64) outs(%342 : tensor<1x1xi64>) -> tensor<1x1xi64>
    %344:2 = linalg.generic {indexing_maps = [#map4, #map5, #map5], iterator_types = ["parallel", "parallel", "reduction"]} ins(%339 : tensor<1x1x32xf32>) outs(%341, %343 : tensor<1x1xf32>, tensor<1x1xi64>) {
    ^bb0(%345: f32, %346: f32, %347: i64):
      %348 = linalg.index 2 : index
      %349 = arith.index_cast %348 : index to i64
      %350 = arith.maximumf %345, %346 : f32
      %351 = arith.cmpf ogt, %345, %346 : f32
      %352 = arith.select %351, %349, %347 : i64
      linalg.yield %350, %352 : f32, i64
    } -> (tensor<1x1xf32>, tensor<1x1xi64>)
    return %344#1, %168, %171 : tensor<1x1xi64>, tensor<1x1x1x4xf32>, tensor<1x1x1x4xf32>
  }
}
