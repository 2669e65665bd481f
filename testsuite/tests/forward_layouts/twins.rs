//! Modules compiled with the pass and without it, and calls of a golden's functions.

use crate::native::{Compiled, compile, prepare};
use spec_testsuite::modelgen::run::{Call, Input};
use spec_testsuite::modelgen::{Element, Type};
use spec_testsuite::tools::opt_text;

/// `module` after `passes`.
pub fn run_passes(passes: &str, module: &str) -> String {
    let ran = opt_text(&[&format!("--pass-pipeline={passes}")], module);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.stdout
}

/// The part of a pipeline in front of the pass.
pub fn up_to_buffers(pipeline: &str) -> String {
    let (passes, _) =
        (pipeline.split_once(",func.func(spec-forward-layouts")).expect("layouts are forwarded");
    format!("{passes})")
}

/// From tensors to buffers, without recognition.
pub fn to_buffers(module: &str) -> String {
    run_passes(&up_to_buffers(&prepare()), module)
}

/// Through the pass.
pub fn forwarded(buffers: &str) -> String {
    run_passes(
        "builtin.module(func.func(spec-forward-layouts),canonicalize,cse)",
        buffers,
    )
}

/// Machine code of `module` without the pass, and with it.
pub fn twins(module: &str) -> (Compiled, Compiled) {
    let buffers = to_buffers(module);
    (compile(&buffers), compile(&forwarded(&buffers)))
}

/// Bits of the results of a call.
pub fn bits(results: &[Vec<f64>]) -> Vec<Vec<u64>> {
    let one = |r: &Vec<f64>| r.iter().map(|v| v.to_bits()).collect();
    results.iter().map(one).collect()
}

fn element(name: &str) -> Element {
    match name {
        "f32" => Element::F32,
        "i32" => Element::I32,
        "i64" => Element::I64,
        "index" => Element::Index,
        other => panic!("no {other} in goldens"),
    }
}

/// The type that `text` spells: a memref, or a scalar.
fn ty(text: &str) -> Type {
    let inner = text
        .strip_prefix("memref<")
        .and_then(|t| t.strip_suffix('>'));
    let mut parts: Vec<&str> = inner.unwrap_or(text).split('x').collect();
    if text == "index" {
        parts = vec![text];
    }
    let name = parts.pop().expect("there is one");
    let dims: Vec<usize> = parts.iter().map(|d| d.parse().expect("a size")).collect();
    Type::tensor(&dims, element(name))
}

/// Eighths of both signs, or places near the start of a cache.
fn input(ty: &Type, seed: usize) -> Input {
    let n: usize = ty.shape().iter().product();
    let value = |i: usize| match ty.element {
        Element::F32 => ((i * 37 + seed * 11) % 23) as f64 / 8.0 - 1.5,
        _ => ((i + seed) % 3) as f64,
    };
    Input::Dense(ty.clone(), (0..n).map(value).collect())
}

/// A call of every function of a golden, which are on memrefs.
pub fn calls(module: &str) -> Vec<Call> {
    let call = |function: &str| {
        let (name, rest) = function.split_once('(').expect("has arguments");
        let (args, rest) = rest.split_once(')').expect("has arguments");
        let (results, _) = rest.split_once('{').expect("has a body");
        let types = |list: &str| -> Vec<Type> {
            let list = list.replace("->", " ").replace(['(', ')'], " ");
            let types = list
                .split(',')
                .map(|a| a.rsplit(':').next().unwrap_or_default().trim().to_owned());
            types.filter(|t| !t.is_empty()).map(|t| ty(&t)).collect()
        };
        let args = types(args);
        Call {
            entry: name.to_owned(),
            args: args.iter().enumerate().map(|(i, t)| input(t, i)).collect(),
            results: types(results),
        }
    };
    module.split("func.func @").skip(1).map(call).collect()
}

/// Whether a result is another than the argument that it came as.
pub fn changes_something(compiled: &Compiled, call: &Call, results: &[Vec<f64>]) -> bool {
    let places = compiled.layout(&call.entry).results;
    (places.iter().zip(results)).any(|(place, result)| match call.args.get(*place) {
        Some(Input::Dense(_, given)) => given != result,
        _ => result.iter().any(|v| *v != 0.0),
    })
}
