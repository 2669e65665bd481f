//! Bundles for this machine, loaded and called.

use crate::{MODEL, Place, fixture, input};
use spec_runtime::bundle::{Buffer, Bundle, CallError, Function, Workspace};
use std::process::Command;

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_ne_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let four = |b: &[u8]| f32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
    bytes.chunks_exact(4).map(four).collect()
}

/// Calls `function` with copies of `buffers`, which are given back; each is aligned as the system aligns large blocks.
fn call(function: &Function, buffers: &mut [Vec<u8>]) -> Result<(), CallError> {
    let mut workspace = Workspace::new([function]).expect("memory");
    let slots = function.slots();
    assert_eq!(slots.len(), buffers.len());
    let mut all: Vec<Buffer<'_>> = (buffers.iter_mut().zip(slots))
        .map(|(b, s)| {
            if s.written {
                Buffer::Write(b)
            } else {
                Buffer::Read(b)
            }
        })
        .collect();
    function.call(&mut all, &mut workspace, None)
}

/// y = x w^T of small whole numbers, which floats add without rounding; and one row of a cache.
#[test]
fn plain_functions_compute() {
    let place = Place::new();
    place.ok(&[&input("linear.mlir"), "--as-is", "-o", "out"]);
    let bundle = Bundle::load(&place.path("out")).expect("it loads");
    let x: Vec<f32> = (0..128).map(|i| (i % 7) as f32 - 3.0).collect();
    let w: Vec<f32> = (0..2048).map(|i| (i % 11) as f32 - 5.0).collect();
    let mut buffers = [bytes(&x), bytes(&w), vec![0xff; 256]];
    let function = bundle.function("apply it").expect("there");
    call(function, &mut buffers).expect("computes");
    let dot = |m: usize, n: usize| (0..64).map(|k| x[m * 64 + k] * w[n * 64 + k]).sum::<f32>();
    let expected: Vec<f32> = (0..64).map(|i| dot(i / 32, i % 32)).collect();
    assert_eq!(floats(&buffers[2]), expected);

    let row = [1.0, 2.0, 3.0, 4.0];
    let cache: Vec<f32> = (10..42).map(|i| i as f32).collect();
    let mut buffers = [
        bytes(&row),
        bytes(&cache),
        7_i64.to_ne_bytes().to_vec(),
        vec![9],
    ];
    call(bundle.function("store").expect("there"), &mut buffers).expect("computes");
    let updated = floats(&buffers[1]);
    assert_eq!((&updated[..28], &updated[28..]), (&cache[..28], &row[..]));
    assert_eq!(buffers[3], [1], "the last row");
}

/// With all weights zero all logits are zero; the new row of each cache is written; a wrong token is a status.
#[test]
fn a_model_runs_and_refuses_wrong_tokens() {
    let place = Place::new();
    place.ok(&[&fixture(MODEL), "-o", "out", "-q"]);
    let bundle = Bundle::load(&place.path("out")).expect("it loads");
    let function = bundle.function("decode").expect("there");
    let mut buffers: Vec<Vec<u8>> = function
        .slots()
        .iter()
        .map(|s| vec![0xff; s.bytes])
        .collect();
    for (buffer, argument) in buffers
        .iter_mut()
        .zip(&bundle.manifest().functions[0].arguments)
    {
        buffer.fill(0);
        assert_eq!(buffer.len() % argument.dtype.bytes(), 0);
    }
    call(function, &mut buffers).expect("computes");
    let logits = buffers.last().expect("logits");
    assert_eq!(floats(logits), vec![0.0; 512]);
    buffers[0] = 512_i64.to_ne_bytes().to_vec();
    let error = call(function, &mut buffers).expect_err("there are 512 tokens");
    assert!(matches!(error, CallError::BadToken { .. }), "{error}");
}

/// A C program links the static and the shared library, and finds its arguments by the header's names.
#[test]
fn a_c_program_calls_through_the_header() {
    let place = Place::new();
    place.ok(&[&input("linear.mlir"), "--as-is", "-o", "out", "-q"]);
    for library in ["libmodel.a", "model.so"] {
        let mut clang = Command::new("clang-22");
        clang.args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fuse-ld=lld",
            "-Iout",
            "-o",
            "caller",
        ]);
        clang.arg(input("caller.c")).arg(format!("out/{library}"));
        clang
            .args(["-lm", "-Wl,-rpath,out"])
            .current_dir(place.path(""));
        let built = clang.output().expect("clang-22 is installed");
        let text = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{library}: {text}");
        let run = Command::new(place.path("caller"))
            .current_dir(place.path(""))
            .output();
        let text = String::from_utf8(run.expect("it starts").stdout).expect("UTF-8");
        assert_eq!(text, "0 0 2016 4 0 0\n", "{library}"); // 0 + 1 + .. + 63 = 2016
    }
}
