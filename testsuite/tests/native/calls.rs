//! Calls of the functions of a module's text, with made-up arguments.

use spec_testsuite::modelgen::run::{Call, Input};
use spec_testsuite::modelgen::{Element, Type};

/// The type that `text` spells: a tensor, a memref or a scalar.
///
/// # Panics
/// No such type is written in tests.
fn ty(text: &str) -> Type {
    let inner = ["tensor<", "memref<"]
        .iter()
        .find_map(|p| text.strip_prefix(p));
    let inner = inner.and_then(|t| t.strip_suffix('>'));
    let mut parts: Vec<&str> = match inner {
        Some(shaped) => shaped.split('x').collect(),
        None => vec![text],
    };
    let element = match parts.pop().expect("there is one") {
        "f32" => Element::F32,
        "f16" => Element::F16,
        "bf16" => Element::BF16,
        "i1" => Element::I1,
        "i8" => Element::I8,
        "i32" => Element::I32,
        "i64" => Element::I64,
        "index" => Element::Index,
        other => panic!("no {other} in tests"),
    };
    let dims: Vec<usize> = parts.iter().map(|d| d.parse().expect("a size")).collect();
    Type::tensor(&dims, element)
}

/// A call of every function of `module`; `value(name, argument, element, i)` is element i of an argument.
///
/// # Panics
/// A function is written otherwise than `func.func @NAME(ARGUMENTS) -> RESULTS {` on one line.
pub fn calls(module: &str, value: impl Fn(&str, usize, Element, usize) -> f64) -> Vec<Call> {
    let call = |function: &str| {
        let (name, rest) = function.split_once('(').expect("has arguments");
        let (args, rest) = rest.split_once(')').expect("has arguments");
        let (results, _) = rest.split_once('{').expect("has a body");
        let types = |list: &str| -> Vec<Type> {
            let list = list.replace("->", " ").replace(['(', ')'], " ");
            let types = list
                .split(',')
                .map(|a| a.rsplit(':').next().unwrap_or_default().trim());
            types.filter(|t| !t.is_empty()).map(ty).collect()
        };
        let input = |(a, ty): (usize, Type)| {
            let n: usize = ty.shape().iter().product();
            let one = |i| ty.element.round(value(name, a, ty.element, i));
            let values = (0..n).map(one).collect();
            Input::Dense(ty, values)
        };
        Call {
            entry: name.to_owned(),
            args: types(args).into_iter().enumerate().map(input).collect(),
            results: types(results),
        }
    };
    module.split("func.func @").skip(1).map(call).collect()
}
