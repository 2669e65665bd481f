//! Real exports: identification finds what their authors wrote, and a real generation loop computes the same after
//! partitioning.

use serde_json::Value;
use spec_testsuite::modelgen::run::{Input, execute};
use spec_testsuite::modelgen::{Element, Type, fixtures};
use spec_testsuite::tools::{opt_text, run, spec_opt};

/// parameters, layers, hidden, heads, KV heads, head size, vocabulary, context, tokens
type Sizes = [u64; 9];

const STORIES: Sizes = [260_032, 5, 64, 8, 4, 8, 512, 256, 1];
const SMOLLM2: Sizes = [134_515_008, 30, 576, 9, 3, 64, 49_152, 256, 1];

fn with_tokens(mut s: Sizes, tokens: u64) -> Sizes {
    s[8] = tokens;
    s
}

fn with_context(mut s: Sizes, context: u64) -> Sizes {
    s[7] = context;
    s
}

fn sizes(model: &Value) -> Sizes {
    let keys = [
        "/shape/parameters",
        "/shape/layers",
        "/shape/hidden",
        "/shape/heads",
        "/shape/kv_heads",
        "/shape/head_dim",
        "/shape/vocabulary",
        "/context",
        "/tokens",
    ];
    keys.map(|k| model.pointer(k).and_then(Value::as_u64).unwrap_or(u64::MAX))
}

fn identify(file: &str) -> Vec<Value> {
    let text = fixtures::text(file).expect("the fixture is readable");
    let ran = opt_text(&["--spec-identify", "--report=json"], &text);
    assert_eq!(ran.code, Some(0), "{file}: {}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("the report is JSON");
    report["models"]
        .as_array()
        .expect("models is a list")
        .clone()
}

#[test]
fn one_model_each() {
    let expected: [(&str, Sizes); 10] = [
        ("stories260k.rows.m1.mlir", STORIES),
        ("stories260k.rows.m5.mlir", with_tokens(STORIES, 5)),
        ("stories260k.slice.m1.mlir", STORIES),
        ("stories260k.slice.m5.mlir", with_tokens(STORIES, 5)),
        ("smollm2-135m.rows.m1.f16.mlir.gz", SMOLLM2),
        ("smollm2-135m.rows.m5.f32.mlir.gz", with_tokens(SMOLLM2, 5)),
        ("jax.stories-shape.decode.mlir", with_context(STORIES, 128)),
        ("jax.scan.decode.mlir", with_context(STORIES, 128)),
        (
            "jax.gemma.decode.mlir",
            [137_664, 3, 64, 4, 1, 16, 512, 64, 1],
        ),
        (
            "jax.gpt2.verify4.mlir",
            [186_944, 3, 64, 4, 4, 16, 512, 64, 4],
        ),
    ];
    for (file, sizes_expected) in expected {
        let models = identify(file);
        assert_eq!(models.len(), 1, "{file}");
        assert_eq!(sizes(&models[0]), sizes_expected, "{file}");
        assert_eq!(models[0]["role"], "target", "{file}");
        assert_eq!(models[0]["unrecognised"], 0, "{file}");
    }
}

#[test]
fn pairs() {
    let drafter_of_pair = [123_712, 2, 64, 8, 4, 8, 512, 256, 1];
    let loop_drafter = [64_752, 2, 48, 6, 2, 8, 512, 128, 1];
    for (file, drafter, target) in [
        ("pair.mlir", drafter_of_pair, with_tokens(STORIES, 5)),
        (
            "jax.speculative_loop.mlir",
            loop_drafter,
            with_context(with_tokens(STORIES, 4), 128),
        ),
    ] {
        let models = identify(file);
        let of = |role: &str| models.iter().find(|m| m["role"] == role).map(sizes);
        assert_eq!(of("drafter"), Some(drafter), "{file}");
        assert_eq!(of("target"), Some(target), "{file}");
    }
}

#[test]
fn a_drafter_and_a_target_of_different_exporters_link() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let args = [
        "--drafter=jax.gemma.decode.mlir",
        "--target=stories260k.slice.m5.mlir",
        "--spec-partition=soc=unit alpha=0.9",
        "--report=json",
    ];
    let ran = run(&spec_opt(), &args, &folder, None);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).expect("the report is JSON");
    // the plan covers what both caches hold: 64 and 256 tokens
    assert_eq!(report["outcome"]["context"], serde_json::json!([0, 64]));
    assert_eq!(report["refused"], serde_json::json!([]));
}

/// The types in a function's argument list.
fn argument_types(text: &str) -> Vec<Type> {
    let start = text.find("@main(").expect("there is @main") + 6;
    let list = &text[start..start + text[start..].find(") ->").expect("it has results")];
    let element = |name: &str| match name {
        "f32" => Element::F32,
        "i32" => Element::I32,
        other => panic!("unexpected element type {other}"),
    };
    let one = |arg: &str| {
        let inner = arg.split("tensor<").nth(1)?.split('>').next()?;
        let mut parts: Vec<&str> = inner.split('x').collect();
        let last = parts.pop()?;
        let dims: Vec<usize> = parts.iter().filter_map(|p| p.parse().ok()).collect();
        Some(Type::tensor(&dims, element(last)))
    };
    list.split("%arg").filter_map(one).collect()
}

#[test]
fn a_real_generation_loop_computes_the_same_after_partitioning() {
    let text = fixtures::text("jax.speculative_loop.mlir").expect("the fixture is readable");
    let types = argument_types(&text);
    assert_eq!(types.len(), 28, "{types:?}");
    let inputs: Vec<Input> = types
        .iter()
        .enumerate()
        .map(|(i, t)| match i {
            0 => Input::Dense(t.clone(), vec![7.0]),
            1..=5 => Input::Zero(t.clone()),
            // the drafter's embedding is at 6, the target's behind its weights: large values make logits that differ
            _ => Input::Fill(t.clone(), i as i64, 0.5),
        })
        .collect();
    let result = [Type::tensor(&[64], Element::I32)];
    let placements = "soc=unit alpha=0.9 force-drafter=gpu force-target=cpu";
    let ran = opt_text(
        &[
            &format!("--spec-partition={placements}"),
            "--spec-lower-to-host",
        ],
        &text,
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let before = execute(&text, "main", &inputs, &result).expect("the loop runs");
    let after = execute(&ran.stdout, "main", &inputs, &result).expect("the partitioned loop runs");
    assert_eq!(before, after);
    let distinct: std::collections::HashSet<i64> = before[0].iter().map(|t| *t as i64).collect();
    assert!(
        distinct.len() > 4,
        "the loop generates real tokens: {before:?}"
    );
}
