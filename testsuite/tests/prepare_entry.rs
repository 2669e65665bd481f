//! `spec-prepare-entry`: goldens, and models of all exporters, whose results with caches updated in place are those of stock bufferization.

mod goldens;
mod native;

use native::compile;
use spec_testsuite::modelgen::run::{Call, Input, execute_all};
use spec_testsuite::modelgen::{EXPORTERS, ModelSpec, Role, catalogue, function, weight_data};

#[test]
fn goldens_of_prepare_entry() {
    goldens::check("prepare_entry", &["--spec-prepare-entry"]);
}

/// A call in the middle of a text.
fn call(model: &ModelSpec, text: &spec_testsuite::modelgen::FunctionText) -> Call {
    let arg = |a: &spec_testsuite::modelgen::ArgInfo| {
        let values = match &a.role {
            Role::Weight(tensor) => weight_data(&model.config, &model.style, tensor),
            role => {
                let value = |j: usize| match role {
                    Role::Tokens => ((9 + 7 * j) % 64) as f64,
                    Role::Position => 3.0,
                    Role::Mask => [0.0, -1e30][usize::from(j % 5 == 4)],
                    _ => a.ty.element.round((j % 23) as f64 / 16.0 - 0.7),
                };
                (0..a.ty.count()).map(value).collect()
            }
        };
        Input::Dense(a.ty.clone(), values)
    };
    Call {
        entry: text.name.clone(),
        args: text.abi.args.iter().map(arg).collect(),
        results: text.abi.results.iter().map(|r| r.ty.clone()).collect(),
    }
}

fn assert_close(name: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 2e-3 * largest, "{name}: {f} for {e}");
    }
}

#[test]
fn models_of_all_exporters_compute_the_same() {
    let mut compared = 0;
    for exporter in EXPORTERS {
        // every third of the catalogue, another third for each exporter
        let start = exporter as usize % 3;
        for (name, model) in catalogue(exporter).into_iter().skip(start).step_by(3) {
            let text = function("decode", &model.config, &model.style);
            let (module, call) = (text.module(), call(&model, &text));
            let Ok(expected) = execute_all(&module, std::slice::from_ref(&call)) else {
                continue; // such as tensor.gather: stock has no lowering
            };
            compared += 1;
            let compiled = compile(&module);
            for (i, (found, expected)) in compiled.call(&call).iter().zip(&expected[0]).enumerate()
            {
                assert_close(&format!("{name}, result {i}"), found, expected);
            }
        }
    }
    assert!(compared > 20, "only {compared} models were compared");
}
