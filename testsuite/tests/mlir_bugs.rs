//! Silent miscompiles of MLIR 22.1.8 that this project steers clear of. For each, stock `mlir-opt` still has it (when that test fails,
//! the detour can go), and the CPU path gives the right numbers for the same program. `mlir_bugs/spirv.rs` has those on the way to a GPU.

#[path = "native/inputs.rs"]
mod inputs;
mod native;
#[path = "mlir_bugs/spirv.rs"]
mod spirv;

use inputs::{dense, scalar};
use native::compile;
use spec_testsuite::modelgen::run::{Call, llvm_bin};
use spec_testsuite::modelgen::{Element, Type};
use spec_testsuite::tools::run;
use std::path::Path;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlir_bugs")
}

/// What stock `mlir-opt` makes of a file.
fn stock(file: &str, passes: &[&str]) -> String {
    let args = [&[file], passes].concat();
    let ran = run(&llvm_bin().join("mlir-opt"), &args, &folder(), None);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

fn line<'a>(text: &'a str, with: &str) -> &'a str {
    let found = text.lines().find(|l| l.contains(with));
    found.unwrap_or_else(|| panic!("no {with} in\n{text}"))
}

/// Without a permutation map, the rows go to consecutive places of dimension 1, not to dimension 0.
#[test]
fn stock_vectorises_an_insertion_into_the_wrong_dimension() {
    let out = stock("insert_slice_vectorize.mlir", &["--transform-interpreter"]);
    let write = line(&out, "vector.transfer_write");
    assert!(
        write.contains("vector<2x32xf32>, tensor<2x128x32xf32>"),
        "{write}"
    );
    assert!(
        !write.contains("permutation_map"),
        "fixed upstream: {write}"
    );
}

/// A KV cache [2, 128, 32] with `rows` new tokens from position `p` on.
fn insertion(rows: usize) -> String {
    let source = if rows == 1 {
        "2x32xf32".to_owned()
    } else {
        format!("2x{rows}x32xf32")
    };
    format!(
        "func.func @insert(%rows: tensor<{source}>, %cache: tensor<2x128x32xf32>, %p: index) -> tensor<2x128x32xf32> {{
  %0 = tensor.insert_slice %rows into %cache[0, %p, 0] [2, {rows}, 32] [1, 1, 1] : tensor<{source}> into tensor<2x128x32xf32>
  return %0 : tensor<2x128x32xf32>
}}"
    )
}

#[test]
fn rows_are_inserted_where_they_belong() {
    for rows in [1, 5] {
        let compiled = compile(&insertion(rows));
        assert_eq!(
            compiled.layout("insert").results,
            [1],
            "the cache is updated in place"
        );
        let dims: &[usize] = if rows == 1 { &[2, 32] } else { &[2, rows, 32] };
        for p in [0, 1, 63, 127 - rows, 128 - rows] {
            let (row, old) = (|i: usize| 1000.0 + i as f64, |i: usize| -(i as f64));
            let call = Call {
                entry: "insert".into(),
                args: vec![
                    dense(dims, Element::F32, row),
                    dense(&[2, 128, 32], Element::F32, old),
                    scalar(Element::Index, p as f64),
                ],
                results: vec![Type::tensor(&[2, 128, 32], Element::F32)],
            };
            let expected: Vec<f64> = (0..2 * 128 * 32_usize)
                .map(|i| (i, i / 4096, i / 32 % 128, i % 32))
                .map(|(i, h, t, d)| match t.checked_sub(p) {
                    Some(m) if m < rows => row((h * rows + m) * 32 + d),
                    _ => old(i),
                })
                .collect();
            assert_eq!(compiled.call(&call), [expected], "{rows} rows at {p}");
        }
    }
}

/// The result is stored in the body of the loop only: nothing has been when it is not entered.
#[test]
fn stock_forgets_the_init_of_a_loop_without_trips() {
    let out = stock("zero_trips.mlir", &["--convert-scf-to-spirv"]);
    let variable = line(&out, "spirv.Variable");
    let before_loop = out.split("spirv.mlir.loop").next().unwrap_or_default();
    let stored = variable.contains("init(") || before_loop.contains("spirv.Store");
    assert!(
        !stored && out.contains("spirv.Load"),
        "fixed upstream:\n{out}"
    );
}

const SUMS: &str = "
func.func @scalar(%n: index, %init: f32, %x: f32) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %init) -> f32 {
    %next = arith.addf %sum, %x : f32
    scf.yield %next : f32
  }
  return %0 : f32
}
func.func @tensor(%n: index, %init: tensor<4xf32>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %init, %last = %x) -> (tensor<4xf32>, tensor<4xf32>) {
    %e = tensor.empty() : tensor<4xf32>
    %next = linalg.add ins(%sum, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %next, %sum : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}";

#[test]
fn loops_without_trips_return_their_inits() {
    let compiled = compile(SUMS);
    for n in [0.0_f64, 1.0, 2.0, 7.0] {
        let call = Call {
            entry: "scalar".into(),
            args: vec![
                scalar(Element::Index, n),
                scalar(Element::F32, 10.0),
                scalar(Element::F32, 0.5),
            ],
            results: vec![Type::scalar(Element::F32)],
        };
        assert_eq!(compiled.call(&call), [[10.0 + n * 0.5]], "{n} trips");
        let ty = Type::tensor(&[4], Element::F32);
        let (init, x) = (|i| 10.0 + i as f64, |i| 0.5 * i as f64);
        let call = Call {
            entry: "tensor".into(),
            args: vec![
                scalar(Element::Index, n),
                dense(&[4], Element::F32, init),
                dense(&[4], Element::F32, x),
            ],
            results: vec![ty.clone(), ty],
        };
        let sum = |n: f64| (0..4).map(|i| init(i) + n * x(i)).collect::<Vec<f64>>();
        let last = if n == 0.0 {
            (0..4).map(x).collect()
        } else {
            sum(n - 1.0)
        };
        assert_eq!(compiled.call(&call), [sum(n), last], "{n} trips");
    }
}

/// 64 values of 16 bits become 32 of 32 bits: other numbers, and no word about it.
#[test]
fn stock_takes_bf16_for_f32() {
    let passes = ["--convert-memref-to-spirv", "--convert-func-to-spirv"];
    let out = stock("bf16_spirv.mlir", &passes);
    assert!(
        out.contains("!spirv.array<32 x f32, stride=4>"),
        "fixed upstream:\n{out}"
    );
    assert!(
        line(&out, "spirv.Load").ends_with(": f32"),
        "fixed upstream:
{out}"
    );
}

const BF16: &str = "
func.func @bf16(%w: tensor<3x4xbf16>, %x: tensor<4xf32>, %cache: tensor<8x4xbf16>, %p: index) -> (tensor<3xf32>, tensor<8x4xbf16>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i)>],
      iterator_types = [\"parallel\", \"reduction\"]} ins(%w, %x : tensor<3x4xbf16>, tensor<4xf32>) outs(%z : tensor<3xf32>) {
  ^bb0(%a: bf16, %b: f32, %s: f32):
    %f = arith.extf %a : bf16 to f32
    %m = arith.mulf %f, %b : f32
    %t = arith.addf %s, %m : f32
    linalg.yield %t : f32
  } -> tensor<3xf32>
  %r = tensor.empty() : tensor<1x4xbf16>
  %row = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = [\"parallel\", \"parallel\"]} ins(%x : tensor<4xf32>) outs(%r : tensor<1x4xbf16>) {
  ^bb0(%b: f32, %o: bf16):
    %h = arith.truncf %b : f32 to bf16
    linalg.yield %h : bf16
  } -> tensor<1x4xbf16>
  %new = tensor.insert_slice %row into %cache[%p, 0] [1, 4] [1, 1] : tensor<1x4xbf16> into tensor<8x4xbf16>
  return %y, %new : tensor<3xf32>, tensor<8x4xbf16>
}";

#[test]
fn bf16_weights_and_caches_are_what_they_are() {
    let compiled = compile(BF16);
    // 1.0078125 is 1 + 2^-7, the number after 1; 1 + 2^-8 and 1 + 3 * 2^-8 are halfway, and go to the even neighbour
    let w = |i: usize| [1.007_812_5, -2.0, 0.5, 3.0][i % 4] * if i < 8 { 1.0 } else { 4.0 };
    let x = |i: usize| [1.003_906_25, 1.011_718_75, -0.125, 256.0][i % 4];
    let rounded = [1.0, 1.015_625, -0.125, 256.0];
    let old = |i: usize| i as f64 / 2.0;
    for p in [0, 3, 7] {
        let call = Call {
            entry: "bf16".into(),
            args: vec![
                dense(&[3, 4], Element::BF16, w),
                dense(&[4], Element::F32, x),
                dense(&[8, 4], Element::BF16, old),
                scalar(Element::Index, p as f64),
            ],
            results: vec![
                Type::tensor(&[3], Element::F32),
                Type::tensor(&[8, 4], Element::BF16),
            ],
        };
        let y = |n: usize| {
            (0..4)
                .map(|k| w(4 * n + k) * x(k))
                .map(|v| v as f32)
                .sum::<f32>()
        };
        let cache = (0..32).map(|i| if i / 4 == p { rounded[i % 4] } else { old(i) });
        let found = compiled.call(&call);
        assert_eq!(found[1], cache.collect::<Vec<f64>>(), "row {p}");
        for (n, found) in found[0].iter().enumerate() {
            let expected = f64::from(y(n));
            assert!(
                (found - expected).abs() <= 1e-5 * expected.abs(),
                "{found} {expected}"
            );
        }
    }
}
