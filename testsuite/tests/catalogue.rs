//! Identification finds the right sizes in every form that the model generator writes: five exporters' hands, one option
//! changed at a time, and mixtures.

use serde_json::Value;
use spec_testsuite::modelgen::{
    EXPORTERS, Element, Form, Kind, ModelSpec, Naming, Pair, build, catalogue, mixtures,
    weight_tensors,
};
use spec_testsuite::tools::opt_text;

/// Identifies a module; the models of the report, or the diagnostics.
fn identify(text: &str) -> Result<Vec<Value>, String> {
    let ran = opt_text(&["--spec-identify", "--report=json"], text);
    if ran.code != Some(0) {
        return Err(ran.stderr);
    }
    let report: Value = serde_json::from_str(&ran.stdout).map_err(|e| e.to_string())?;
    Ok(report["models"].as_array().cloned().unwrap_or_default())
}

fn bytes(e: Element) -> usize {
    if matches!(e, Element::F16 | Element::BF16) {
        2
    } else {
        4
    }
}

/// What is wrong with a reported model, if anything.
fn differences(found: &Value, spec: &ModelSpec, tokens: usize) -> Vec<String> {
    let c = &spec.config;
    let parameters: usize = weight_tensors(c, &spec.style)
        .iter()
        .filter(|w| !matches!(w.kind, Kind::CosTable | Kind::SinTable))
        .map(|w| w.ty.dims.iter().flatten().product::<usize>())
        .sum();
    let kv_bytes = 2 * c.layers * c.kv_heads * c.head_dim * bytes(c.dtype);
    let expected = [
        ("/shape/parameters", parameters),
        ("/shape/vocabulary", c.vocabulary),
        ("/shape/layers", c.layers),
        ("/shape/hidden", c.hidden),
        ("/shape/heads", c.heads),
        ("/shape/kv_heads", c.kv_heads),
        ("/shape/head_dim", c.head_dim),
        ("/shape/kv_bytes_per_token", kv_bytes),
        ("/context", c.context),
        ("/tokens", tokens),
        ("/unrecognised", 0),
    ];
    expected
        .into_iter()
        .filter(|(key, value)| found.pointer(key).and_then(Value::as_u64) != Some(*value as u64))
        .map(|(key, value)| format!("{key} is {:?}, expected {value}", found.pointer(key)))
        .collect()
}

fn check(failures: &mut Vec<String>, name: &str, result: Result<Vec<String>, String>) {
    match result {
        Ok(d) if d.is_empty() => {}
        Ok(d) => failures.push(format!("{name}: {}", d.join("; "))),
        Err(e) => failures.push(format!("{name}: {}", e.lines().next().unwrap_or_default())),
    }
}

fn all_models() -> Vec<(String, ModelSpec)> {
    let of = |e| catalogue(e).into_iter().chain(mixtures(e, 6, 7));
    EXPORTERS.into_iter().flat_map(of).collect()
}

#[test]
fn single_models() {
    let mut failures = vec![];
    for (name, spec) in all_models() {
        for tokens in [1, 3] {
            let spec = ModelSpec::new(spec.config.with_tokens(tokens), spec.style.clone());
            let text = build(&Form::Single(spec.clone())).text;
            let result = identify(&text).map(|m| match &m[..] {
                [one] => differences(one, &spec, tokens),
                many => vec![format!("{} models", many.len())],
            });
            check(&mut failures, &format!("{name} M={tokens}"), result);
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// A drafter of one layer beside a target of another exporter's hand.
fn pairs() -> Vec<(String, Pair)> {
    let models = all_models();
    let n = models.len();
    (0..n)
        .step_by(3)
        .map(|i| {
            let (a, drafter) = &models[i];
            let (b, target) = &models[(i * 7 + 11) % n];
            let drafter = ModelSpec::new(drafter.config.with_layers(1), drafter.style.clone());
            let mut target = target.clone();
            target.config.layers = 3;
            (
                format!("{a} + {b}"),
                Pair {
                    drafter,
                    target,
                    draft_calls: 2,
                },
            )
        })
        .collect()
}

fn pair_differences(models: &[Value], pair: &Pair) -> Vec<String> {
    let of = |role: &str| models.iter().find(|m| m["role"] == role);
    match (models.len(), of("drafter"), of("target")) {
        (2, Some(d), Some(t)) => {
            let mut all = differences(d, &pair.drafter, 1);
            all.extend(differences(t, &pair.target, pair.draft_calls + 1));
            all
        }
        (n, ..) => vec![format!("{n} models")],
    }
}

fn check_pairs(form: impl Fn(Pair) -> Form) {
    let mut failures = vec![];
    for (name, pair) in pairs() {
        let text = build(&form(pair.clone())).text;
        check(
            &mut failures,
            &name,
            identify(&text).map(|m| pair_differences(&m, &pair)),
        );
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn two_functions() {
    check_pairs(|p| Form::TwoFunctions(p, Naming::Neutral));
}

#[test]
fn inlined() {
    check_pairs(Form::Inlined);
}

#[test]
fn inlined_loop() {
    check_pairs(Form::InlinedLoop);
}
