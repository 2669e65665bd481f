//! Every option with every exporter, executed in one process per exporter, against the reference.

use super::decode::compare;
use crate::modelgen::run::{self, Call};
use crate::modelgen::*;

const TOKENS: [usize; 3] = [3, 41, 7];

/// Runs each model once on three tokens.
fn check(models: &[(String, ModelSpec)], tolerance: f64) {
    let mut functions = Vec::new();
    let mut calls = Vec::new();
    for (i, (_, model)) in models.iter().enumerate() {
        let config = model.config.with_tokens(TOKENS.len());
        let function = function(&format!("f{i}"), &config, &model.style);
        let args = Host::new(&config, &model.style).args(&function.abi, &TOKENS, 0);
        let results = function.abi.results.iter().map(|r| r.ty.clone()).collect();
        calls.push(Call {
            entry: function.name.clone(),
            args,
            results,
        });
        functions.push(function);
    }
    let text = super::super::function::module_text(&functions);
    let results = run::execute_all(&text, &calls).expect("runs");
    for (((name, model), function), results) in models.iter().zip(&functions).zip(&results) {
        let expected = Reference::new(&model.config, &model.style).forward(&TOKENS, 0);
        let is_head = |r: &ArgInfo| matches!(r.role, Role::Logits | Role::Tokens);
        let at = function
            .abi
            .results
            .iter()
            .position(is_head)
            .expect("a head");
        compare(name, &model.style, &results[at], &expected, tolerance);
    }
}

fn check_exporter(exporter: Exporter) {
    let mut models = catalogue(exporter);
    // One layer is enough where one option changes: two layers are what the other tests run.
    models
        .iter_mut()
        .for_each(|(_, model)| model.config.layers = 1);
    models.extend(mixtures(exporter, 2, 11));
    check(&models, 1e-4);
}

#[test]
fn torch_options_agree_with_the_reference() {
    check_exporter(Exporter::Torch);
}

#[test]
fn jax_options_agree_with_the_reference() {
    check_exporter(Exporter::Jax);
}

#[test]
fn onnx_options_agree_with_the_reference() {
    check_exporter(Exporter::Onnx);
}

#[test]
fn generic_options_agree_with_the_reference() {
    check_exporter(Exporter::Generic);
}

#[test]
fn loop_options_agree_with_the_reference() {
    check_exporter(Exporter::Loop);
}

#[test]
fn half_precision_agrees_with_the_reference() {
    for dtype in [Element::F16, Element::BF16] {
        let model = |e: Exporter| {
            let config = Config {
                dtype,
                ..Config::default()
            };
            (
                format!("{e:?}-{}", dtype.name()),
                ModelSpec::new(config, Style::of(e)),
            )
        };
        check(
            &EXPORTERS.map(model),
            if dtype == Element::F16 { 0.05 } else { 0.4 },
        );
    }
}
