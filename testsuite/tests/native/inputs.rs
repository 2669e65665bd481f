//! Arguments of calls.

use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{Element, Type};

/// An argument of whole numbers or other exact values.
pub fn dense(dims: &[usize], element: Element, values: impl Fn(usize) -> f64) -> Input {
    let n: usize = dims.iter().product();
    Input::Dense(Type::tensor(dims, element), (0..n).map(values).collect())
}

/// A scalar argument.
pub fn scalar(element: Element, value: f64) -> Input {
    Input::Dense(Type::scalar(element), vec![value])
}
