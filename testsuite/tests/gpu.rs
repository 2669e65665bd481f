//! Whole models on a GPU: lavapipe, through Vulkan, with the validation layers on. Against a double-precision reference, and bit for bit
//! whatever the number of tokens in a call.

use spec_testsuite::compiled::encode;
use spec_testsuite::gpu::CompiledGpu;
use spec_testsuite::modelgen::{
    CacheForm, EXPORTERS, Element, Exporter, Form, Host, ModelSpec, abi, build, catalogue, mixtures,
};
use spec_testsuite::whole::{M, PROMPT, answers, check_all, reorders_rows};

fn problem(model: &ModelSpec) -> Result<(), String> {
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let compiled = CompiledGpu::new(&text, &[])?;
    let run = |function: &str, m: usize| {
        answers(model, m, |args, types| compiled.call(function, args, types))
    };
    let one = run("decode", 1)?;
    one.against_reference(model)?;
    let several = run("verify", M)?;
    several.against_reference(model)?;
    if !one.same_bits(&several) && !reorders_rows(model) {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    Ok(())
}

fn check(models: Vec<(String, ModelSpec)>) {
    check_all(models, || (), |model, ()| problem(model));
}

fn of(exporter: Exporter) {
    let models = catalogue(exporter)
        .into_iter()
        .chain(mixtures(exporter, 4, 3));
    check(models.filter(|(_, m)| !m.style.gather_op).collect());
}

#[test]
fn torch() {
    of(Exporter::Torch);
}

#[test]
fn jax() {
    of(Exporter::Jax);
}

#[test]
fn onnx() {
    of(Exporter::Onnx);
}

#[test]
fn generic() {
    of(Exporter::Generic);
}

#[test]
fn loops() {
    of(Exporter::Loop);
}

/// f16 and bf16, and sizes that no vector divides.
#[test]
fn element_types_and_odd_sizes() {
    let mut models = vec![];
    for exporter in EXPORTERS {
        for dtype in [Element::F16, Element::BF16, Element::F32] {
            let (name, mut model) = catalogue(exporter).swap_remove(0);
            model.config.dtype = dtype;
            if dtype == Element::F32 {
                model.config.hidden = 36;
                model.config.heads = 6;
                model.config.kv_heads = 3;
                model.config.head_dim = 10;
                model.config.ffn = 50;
                model.config.vocabulary = 67;
                model.config.context = 13;
            }
            models.push((format!("{name}-{}", dtype.name()), model));
        }
    }
    check(models);
}

/// A position that does not fit its cache, and a token outside of the vocabulary, are statuses. Nothing is written where it should not be:
/// the validation layer and the runtime's bounds would say so.
#[test]
fn what_does_not_fit_is_a_status() {
    let mut failures = vec![];
    for cache in [CacheForm::Slice, CacheForm::Rows] {
        let (_, mut model) = catalogue(Exporter::Torch).swap_remove(0);
        model.style.cache = cache;
        let text = build(&Form::DecodeVerify(model.clone(), M)).text;
        let compiled = CompiledGpu::new(&text, &[]).expect("compiles");
        let context = model.config.context;
        for (function, m) in [("decode", 1), ("verify", M)] {
            // rows are the caller's to append: such a model may read one position further
            let last = context - if cache == CacheForm::Rows { 0 } else { m };
            let run = |tokens: &[usize], position: usize| {
                let abi = abi(&model.config.with_tokens(m), &model.style);
                let args = Host::new(&model.config, &model.style).args(&abi, tokens, position);
                let args = args.iter().map(encode).collect::<Result<Vec<_>, _>>();
                let ran = compiled.call_bytes(function, &args.expect("dense"));
                ran.map(drop)
            };
            let expected = |status: &str| Err(format!("{function}: {status}"));
            for (tokens, position, status) in [
                (&PROMPT[..m], last, Ok(())),
                (&PROMPT[..m], last + 1, expected("Assertion")),
                (&PROMPT[..m], 1 << 40, expected("Assertion")),
                (&PROMPT[..m], usize::MAX, expected("Assertion")),
                (&[64, 1, 2][..m], 0, expected("BadToken")),
                (&[63, 1, 2][..m], 0, Ok(())),
            ] {
                let ran = run(tokens, position);
                if ran != status {
                    failures.push(format!(
                        "{cache:?} {function} {tokens:?} at {position}: {ran:?}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
