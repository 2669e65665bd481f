//! `spec-split-reductions`: goldens; compiled without `spec-raise`, sums are those of the documented order, bit for bit, and everything else
//! is what it is without the pass; the inner loops are vector code.

#[path = "split_reductions/code.rs"]
mod code;
mod goldens;
mod native;
#[path = "split_reductions/order.rs"]
mod order;
#[path = "split_reductions/product.rs"]
mod product;

use native::{Compiled, compile_with};
use order::Terms;
use product::product;
use spec_testsuite::modelgen::run::{Call, Input};
use spec_testsuite::modelgen::{EXPORTERS, Element, Form, Host, Type, build, catalogue};

#[test]
fn goldens_of_split_reductions() {
    goldens::check("split_reductions", &["--spec-split-reductions"]);
}

/// Values of mixed signs and sizes, whose sum depends on its order.
fn value(i: usize, seed: usize) -> f64 {
    let x = (i * 2_654_435_761 + seed * 40_503) % 65_521;
    (x as f64 - 32_000.0) / 977.0 * [1.0, 1e-3, 37.0][i % 3]
}

fn argument(dims: &[usize], element: Element, seed: usize) -> (Input, Vec<f64>) {
    let n = dims.iter().product();
    let values: Vec<f64> = (0..n).map(|i| element.round(value(i, seed))).collect();
    (
        Input::Dense(Type::tensor(dims, element), values.clone()),
        values,
    )
}

fn call(compiled: &Compiled, args: Vec<Input>, result: &[usize], element: Element) -> Vec<f64> {
    let call = Call {
        entry: "f".into(),
        args,
        results: vec![Type::tensor(result, element)],
    };
    compiled.call(&call).remove(0)
}

const P2R: &str = "\"parallel\", \"parallel\", \"reduction\"";

/// Rows with rows: `o[m, n] + sum over k of a[m, k] b[n, k]`.
fn rows_with_rows(m: usize, n: usize, k: usize, ty: &str) -> String {
    let (a, b) = (format!("{m}x{k}"), format!("{n}x{k}"));
    product(
        &[(&a, "m, k"), (&b, "n, k")],
        &format!("{m}x{n}"),
        "m, n, k",
        P2R,
        ty,
    )
}

#[test]
fn sums_have_the_documented_order() {
    let sizes = [
        (1, 5, 32),
        (3, 4, 33),
        (2, 3, 47),
        (1, 1, 64),
        (4, 2, 63),
        (2, 17, 131),
    ];
    for (element, ty) in [
        (Element::F32, "f32"),
        (Element::F16, "f16"),
        (Element::BF16, "bf16"),
    ] {
        for (m, n, k) in sizes {
            let compiled = compile(&rows_with_rows(m, n, k, ty));
            let (a, b) = (argument(&[m, k], element, 1), argument(&[n, k], element, 2));
            let o = argument(&[m, n], Element::F32, 3);
            let found = call(&compiled, vec![a.0, b.0, o.0], &[m, n], Element::F32);
            for (i, found) in found.iter().enumerate() {
                let (x, y) = (&a.1[i / n * k..][..k], &b.1[i % n * k..][..k]);
                let expected = order::sum(o.1[i], &[Terms::product(x, y)]);
                assert_eq!(
                    found.to_bits(),
                    expected.to_bits(),
                    "{m}x{n}x{k} {ty}: element {i}"
                );
            }
        }
    }
}

/// Several reduction dimensions share the lanes; a batch dimension and an input without it.
#[test]
fn lanes_go_on_over_other_reduction_dimensions() {
    let (batch, i, k) = (3, 4, 39);
    let kinds = "\"parallel\", \"reduction\", \"reduction\"";
    let args = [("4x3x39", "i, b, k"), ("4x39", "i, k")];
    let compiled = compile(&product(&args, "3", "b, i, k", kinds, "f32"));
    let x = argument(&[i, batch, k], Element::F32, 4);
    let w = argument(&[i, k], Element::F32, 5);
    let o = argument(&[batch], Element::F32, 6);
    let found = call(&compiled, vec![x.0, w.0, o.0], &[batch], Element::F32);
    for (b, found) in found.iter().enumerate() {
        let row = |j: usize| Terms::product(&x.1[(j * batch + b) * k..][..k], &w.1[j * k..][..k]);
        let expected = order::sum(o.1[b], &(0..i).map(row).collect::<Vec<_>>());
        assert_eq!(found.to_bits(), expected.to_bits(), "batch {b}");
    }
}

/// A named op on a batch, into zeros.
#[test]
fn named_products_of_batches() {
    let (b, m, n, k) = (2, 3, 5, 70);
    let compiled = compile(
        "#a = affine_map<(b, m, n, k) -> (b, m, k)>
         #b = affine_map<(b, m, n, k) -> (b, n, k)>
         #c = affine_map<(b, m, n, k) -> (b, m, n)>
         func.func @f(%a: tensor<2x3x70xf32>, %b: tensor<2x5x70xf32>) -> tensor<2x3x5xf32> {
           %zero = arith.constant 0.0 : f32
           %e = tensor.empty() : tensor<2x3x5xf32>
           %o = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
           %r = linalg.batch_matmul indexing_maps = [#a, #b, #c]
             ins(%a, %b : tensor<2x3x70xf32>, tensor<2x5x70xf32>) outs(%o : tensor<2x3x5xf32>) -> tensor<2x3x5xf32>
           return %r : tensor<2x3x5xf32>
         }",
    );
    let (x, y) = (
        argument(&[b, m, k], Element::F32, 7),
        argument(&[b, n, k], Element::F32, 8),
    );
    let found = call(&compiled, vec![x.0, y.0], &[b, m, n], Element::F32);
    for (i, found) in found.iter().enumerate() {
        let (left, right) = (i / n, i / (m * n) * n + i % n);
        let terms = Terms::product(&x.1[left * k..][..k], &y.1[right * k..][..k]);
        let expected = order::sum(0.0, &[terms]);
        assert_eq!(found.to_bits(), expected.to_bits(), "element {i}");
    }
}

/// The pipeline with sums split as well.
fn splitting() -> String {
    let whole = native::lower();
    let lower = whole.replace("{sums=false}", "");
    assert_ne!(lower, whole);
    lower
}

fn compile(module: &str) -> Compiled {
    compile_with(module, &splitting())
}

/// The same with the pass left out of the pipeline.
fn compile_unsplit(module: &str) -> Compiled {
    let whole = native::lower();
    let lower = whole.replace("spec-split-reductions{sums=false},", "");
    assert_ne!(lower, whole);
    compile_with(module, &lower)
}

/// Bits, all NaN alike.
fn bits(values: &[f64]) -> Vec<u64> {
    let one = |v: &f64| if v.is_nan() { f64::NAN } else { *v };
    values.iter().map(|v| one(v).to_bits()).collect()
}

#[test]
fn extrema_are_what_they_were() {
    let (rows, k) = (8, 45);
    let special = [f64::NAN, f64::NEG_INFINITY, f64::INFINITY];
    let mut values: Vec<f64> = (0..rows * k)
        .map(|i| Element::F32.round(value(i, 9)))
        .collect();
    for (row, special) in special.iter().enumerate() {
        values[row * k + 3] = *special;
        values[(row + 3) * k..(row + 4) * k].fill(*special); // nothing else in these
    }
    values[6 * k + 44] = f64::NAN; // in the remainder
    let starts = [-3.5, f64::NEG_INFINITY, f64::NAN];
    for op in ["maximumf", "minimumf", "maxnumf", "minnumf"] {
        let module = format!(
            "func.func @f(%x: tensor<8x45xf32>, %o: tensor<8xf32>) -> tensor<8xf32> {{
               %r = linalg.reduce ins(%x : tensor<8x45xf32>) outs(%o : tensor<8xf32>) dimensions = [1]
                 (%a: f32, %s: f32) {{
                   %0 = arith.{op} %a, %s : f32
                   linalg.yield %0 : f32
                 }}
               return %r : tensor<8xf32>
             }}"
        );
        let (split, unsplit) = (compile(&module), compile_unsplit(&module));
        for start in starts {
            let args = || {
                vec![
                    Input::Dense(Type::tensor(&[rows, k], Element::F32), values.clone()),
                    Input::Dense(Type::tensor(&[rows], Element::F32), vec![start; rows]),
                ]
            };
            let found = call(&split, args(), &[rows], Element::F32);
            let expected = call(&unsplit, args(), &[rows], Element::F32);
            assert_eq!(
                bits(&found),
                bits(&expected),
                "{op} from {start}: {found:?} {expected:?}"
            );
        }
    }
}

/// Rows with columns: `o[m, n] + sum over k of a[m, k] b[k, n]`.
fn rows_with_columns(m: usize, n: usize, k: usize) -> String {
    let (a, b) = (format!("{m}x{k}"), format!("{k}x{n}"));
    product(
        &[(&a, "m, k"), (&b, "k, n")],
        &format!("{m}x{n}"),
        "m, n, k",
        P2R,
        "f32",
    )
}

#[test]
fn interchanged_loops_change_no_bit() {
    for (m, n, k) in [(1, 16, 50), (3, 40, 33), (5, 17, 7), (40, 19, 3)] {
        let module = rows_with_columns(m, n, k);
        let args = || {
            let (a, b) = (
                argument(&[m, k], Element::F32, 10),
                argument(&[k, n], Element::F32, 11),
            );
            vec![a.0, b.0, argument(&[m, n], Element::F32, 12).0]
        };
        let found = call(&compile(&module), args(), &[m, n], Element::F32);
        let expected = call(&compile_unsplit(&module), args(), &[m, n], Element::F32);
        assert_eq!(bits(&found), bits(&expected), "{m}x{n}x{k}");
    }
}

/// A module for so many tokens.
type Module = fn(usize) -> String;

/// The last token of a call of 1, 3 or 40 has the same row.
#[test]
fn a_row_does_not_depend_on_the_number_of_tokens() {
    let (n, k) = (21, 77);
    let token = argument(&[1, k], Element::F32, 13).1;
    let products: [(Module, _); 2] = [
        (|m| rows_with_rows(m, 21, 77, "f32"), [n, k]),
        (|m| rows_with_columns(m, 21, 77), [k, n]),
    ];
    for (module, dims) in products {
        let row = |m: usize| {
            let mut x = argument(&[m, k], Element::F32, 14).1;
            x[(m - 1) * k..].copy_from_slice(&token);
            let args = vec![
                Input::Dense(Type::tensor(&[m, k], Element::F32), x),
                argument(&dims, Element::F32, 15).0,
                Input::Dense(Type::tensor(&[m, n], Element::F32), vec![0.25; m * n]),
            ];
            let all = call(&compile(&module(m)), args, &[m, n], Element::F32);
            bits(&all[(m - 1) * n..])
        };
        let one = row(1);
        assert_eq!(row(3), one, "weights of {dims:?}");
        assert_eq!(row(40), one, "weights of {dims:?}");
    }
}

/// Whole models in the pipeline of spec-compile, nothing of which is recognised: three tokens in a call give the bits of one after the other.
#[test]
fn unrecognised_models_do_not_depend_on_the_number_of_tokens() {
    let prompt = [3, 17, 42, 5, 63, 0];
    for exporter in EXPORTERS {
        let (name, mut model) = catalogue(exporter).swap_remove(0);
        model.config.hidden = 36; // with a remainder
        let compiled = native::compile(&build(&Form::DecodeVerify(model.clone(), 3)).text);
        let heads = |entry: &str, m: usize| {
            let mut host = Host::new(&model.config, &model.style);
            let calls = prompt.chunks(m).enumerate().flat_map(|(i, tokens)| {
                let head = host.call_with(tokens, i * m, |args, results| {
                    let (entry, args) = (entry.to_owned(), args.to_vec());
                    let results = results.to_vec();
                    Ok::<_, String>(compiled.call(&Call {
                        entry,
                        args,
                        results,
                    }))
                });
                head.expect("calls do not fail")
            });
            calls.collect::<Vec<f64>>()
        };
        assert_eq!(
            bits(&heads("verify", 3)),
            bits(&heads("decode", 1)),
            "{name}"
        );
    }
}

/// A body of all that is done to vectors, with integers, bits, and a column at a run-time offset: it compiles to the end, and a maximum
/// of it is what it is without the pass.
#[test]
fn long_bodies_and_views() {
    let functions = [
        "absf",
        "ceil",
        "cos",
        "exp",
        "exp2",
        "expm1",
        "floor",
        "log",
        "log1p",
        "log2",
        "rsqrt",
        "sin",
        "sqrt",
        "tanh",
        "roundeven",
    ];
    let mut body = String::new();
    for (i, function) in functions.iter().enumerate() {
        let next = i + 1;
        body += &format!(
            "%f{i} = math.{function} %v0 : f32\n%v{next} = arith.addf %v{i}, %f{i} : f32\n"
        );
    }
    let last = functions.len();
    let module = format!(
        "#r = affine_map<(d0, d1) -> (d0, d1)>
         func.func @f(%i: tensor<4x45xi8>, %b: tensor<45xi1>, %x: tensor<4x45x3xf32>, %p: index, %o: tensor<4xf32>) -> tensor<4xf32> {{
           %column = tensor.extract_slice %x[0, 0, %p] [4, 45, 1] [1, 1, 1] : tensor<4x45x3xf32> to tensor<4x45xf32>
           %r = linalg.generic {{indexing_maps = [#r, affine_map<(d0, d1) -> (d1)>, #r, affine_map<(d0, d1) -> (d0)>], iterator_types = [\"parallel\", \"reduction\"]}}
             ins(%i, %b, %column : tensor<4x45xi8>, tensor<45xi1>, tensor<4x45xf32>) outs(%o : tensor<4xf32>) {{
           ^bb0(%n: i8, %c: i1, %x0: f32, %s: f32):
             %wide = arith.extsi %n : i8 to i32
             %w0 = arith.sitofp %wide : i32 to f32
             %w = arith.select %c, %w0, %x0 : f32
             %small = arith.constant 0.125 : f32
             %v0 = math.fma %w, %small, %small : f32
             {body}%pow = math.powf %v{last}, %v0 : f32
             %t = arith.maxnumf %s, %pow : f32
             linalg.yield %t : f32
           }} -> tensor<4xf32>
           return %r : tensor<4xf32>
         }}"
    );
    let whole = |dims: &[usize], element, modulus| {
        let n: usize = dims.iter().product();
        let values = (0..n).map(|i| (i * 7 % modulus) as f64).collect();
        Input::Dense(Type::tensor(dims, element), values)
    };
    let args = || {
        vec![
            whole(&[4, 45], Element::I8, 5),
            whole(&[45], Element::I1, 2),
            whole(&[4, 45, 3], Element::F32, 11),
            Input::Dense(Type::scalar(Element::Index), vec![1.0]),
            Input::Dense(Type::tensor(&[4], Element::F32), vec![-1e30; 4]),
        ]
    };
    let found = call(&compile(&module), args(), &[4], Element::F32);
    let expected = call(&compile_unsplit(&module), args(), &[4], Element::F32);
    assert_eq!(bits(&found), bits(&expected), "{found:?} {expected:?}");
    assert!(found.iter().all(|v| v.is_finite() && *v > 0.0), "{found:?}");
}

/// The innermost loops of a product with weights in rows and in columns add vectors, on both architectures.
#[test]
fn inner_loops_are_vector_code() {
    let modules = [
        rows_with_rows(1, 64, 512, "f32"),
        rows_with_columns(1, 512, 64),
    ];
    for module in modules {
        for machine in code::MACHINES {
            let text = code::assembly(&module, &splitting(), &machine);
            let loops = code::loops(&text);
            assert!(loops.iter().any(|l| machine.adds_vectors(l)), "{text}");
        }
    }
    // the check finds what the pass is for
    let whole = native::lower();
    let lower = whole.replace("spec-split-reductions{sums=false},", "");
    for machine in code::MACHINES {
        let text = code::assembly(&rows_with_rows(1, 64, 512, "f32"), &lower, &machine);
        let loops = code::loops(&text);
        assert!(!loops.iter().any(|l| machine.adds_vectors(l)), "{text}");
    }
}
