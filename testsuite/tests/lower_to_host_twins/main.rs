//! What `spec-lower-to-host` makes computes what the definition of `spec.round` says: hand-written modules over toy models
//! are lowered, run by the stock tools and compared with a plain simulation of the round.

mod greedy;
mod rejection;

use spec_testsuite::modelgen::run::Input;
use spec_testsuite::modelgen::{Element, Type};
use spec_testsuite::tools::opt_text;

fn lowered(module: &str) -> String {
    let ran = opt_text(&["--spec-lower-to-host"], module);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stdout.contains("spec."), "{}", ran.stdout);
    ran.stdout
}

fn ints(values: &[f64]) -> Vec<i64> {
    values.iter().map(|v| *v as i64).collect()
}

fn tensor(dims: &[usize], element: Element, values: impl IntoIterator<Item = f64>) -> Input {
    Input::Dense(Type::tensor(dims, element), values.into_iter().collect())
}

fn i64s(values: &[i64]) -> Input {
    tensor(
        &[values.len()],
        Element::I64,
        values.iter().map(|v| *v as f64),
    )
}
