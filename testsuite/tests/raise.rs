//! Goldens of `spec-raise` on idioms that fit on a page, and how much of whole models it recognises, whoever exported them.

mod goldens;

use spec_testsuite::modelgen::{
    Activation, Config, EXPORTERS, Element, Exporter, Form, ModelSpec, Output, Position,
    WeightLayout, build, catalogue, fixtures, mixtures,
};
use spec_testsuite::tools::{Ran, opt_text};
use std::collections::BTreeMap;

const PASSES: [&str; 6] = [
    "--inline",
    "--canonicalize",
    "--cse",
    "--spec-raise=report=true",
    "--canonicalize",
    "--cse",
];

#[test]
fn goldens_of_raise() {
    goldens::check(
        "raise",
        &[
            "--canonicalize",
            "--spec-raise=report=true",
            "--canonicalize",
            "--cse",
        ],
    );
}

/// Numbers of named ops in a module, and the ops that should not be left.
fn counted(text: &str) -> Result<BTreeMap<String, usize>, String> {
    let Ran {
        code,
        stdout,
        stderr,
    } = opt_text(&PASSES, text);
    if code != Some(0) {
        return Err(stderr);
    }
    let mut counts = BTreeMap::new();
    for line in stdout.lines() {
        let mut words = line.split(|c: char| c.is_whitespace() || c == '(');
        let name = words.find(|w| {
            w.starts_with("spec.") || w.starts_with("linalg.") || w.starts_with("tensor.")
        });
        let Some(name) = name else { continue };
        let product = ["matmul", "vecmat", "matvec", "contract", "reduce"]
            .iter()
            .any(|p| name.contains(p));
        let key = if product || line.contains("\"reduction\"") {
            "left"
        } else if name.starts_with("spec.") {
            if line.contains("mask(") {
                *counts.entry("masked".to_owned()).or_default() += 1;
            }
            name
        } else {
            continue;
        };
        *counts.entry(key.to_owned()).or_default() += 1;
    }
    Ok(counts)
}

/// The numbers of named ops that a model has.
#[derive(Clone, Copy)]
struct Expected {
    layers: usize,
    norms: usize,
    ropes: usize,
    embeddings: usize,
    argmax: usize,
    masked: usize,
    linears: usize,
}

impl Expected {
    fn of(spec: &ModelSpec) -> Self {
        let style = &spec.style;
        // layers that are trips of a loop are there once
        let layers = if is_looped(spec) {
            1
        } else {
            spec.config.layers
        };
        let rope = style.position != Position::Learned;
        let gated = style.activation == Activation::SwiGlu;
        Expected {
            layers,
            norms: layers * if style.qk_norm { 4 } else { 2 } + 1,
            ropes: if rope { 2 * layers } else { 0 },
            embeddings: 1 + positions(spec),
            argmax: usize::from(style.output == Output::Token),
            masked: if style.mask_argument { layers } else { 0 },
            linears: layers * if gated { 7 } else { 6 } + 1,
        }
    }

    fn counts(self) -> BTreeMap<String, usize> {
        let all = [
            ("spec.linear", self.linears),
            ("spec.norm", self.norms),
            ("spec.rope", self.ropes),
            ("spec.attention", self.layers),
            ("spec.activation", self.layers),
            ("spec.embedding", self.embeddings),
            ("spec.argmax", self.argmax),
            ("masked", self.masked),
        ];
        all.into_iter()
            .filter(|(_, n)| *n > 0)
            .map(|(k, n)| (k.to_owned(), n))
            .collect()
    }
}

/// The hand that writes the function: five exporters, of which some write loops over layers.
fn is_looped(spec: &ModelSpec) -> bool {
    let style = &spec.style;
    let stacked =
        style.weight_layout == WeightLayout::StackedByLayer || style.exporter == Exporter::Loop;
    stacked && style.exporter != Exporter::Jax
}

/// Gathers of rows by position: others take a slice.
fn positions(spec: &ModelSpec) -> usize {
    let gathers = matches!(spec.style.exporter, Exporter::Torch | Exporter::Onnx);
    match spec.style.position {
        Position::Rope => 0,
        _ if !gathers => 0,
        Position::Learned => 1,
        Position::RopeTable => 2,
    }
}

fn models() -> Vec<(String, ModelSpec)> {
    let of = |e| catalogue(e).into_iter().chain(mixtures(e, 6, 7));
    EXPORTERS.into_iter().flat_map(of).collect()
}

#[test]
fn every_operation_of_every_exporter_is_recognised() {
    let mut failures = vec![];
    for (name, spec) in models() {
        for tokens in [1, 3] {
            let spec = ModelSpec::new(spec.config.with_tokens(tokens), spec.style.clone());
            let expected = Expected::of(&spec).counts();
            match counted(&build(&Form::Single(spec)).text) {
                Ok(found) if found == expected => {}
                Ok(found) => failures.push(format!(
                    "{name} M={tokens}: {found:?}, expected {expected:?}"
                )),
                Err(e) => failures.push(format!("{name} M={tokens}: {e}")),
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// f16 models too: sums in f32 and roundings in between.
#[test]
fn half_precision_changes_nothing() {
    for exporter in EXPORTERS {
        let mut spec = catalogue(exporter).remove(0).1;
        spec.config = Config {
            dtype: Element::F16,
            tokens: 3,
            ..spec.config
        };
        let expected = Expected::of(&spec).counts();
        let found = counted(&build(&Form::Single(spec)).text);
        assert_eq!(found, Ok(expected), "{exporter:?}");
    }
}

/// linear, norm, rope, attention, activation, embedding, argmax
type Numbers = [usize; 7];

#[test]
fn real_exports_are_recognised() {
    let cases: [(&str, Numbers); 12] = [
        ("stories260k.rows.m1.mlir", [36, 11, 10, 5, 5, 1, 0]),
        ("stories260k.rows.m5.mlir", [36, 11, 10, 5, 5, 1, 0]),
        ("stories260k.slice.m1.mlir", [36, 11, 10, 5, 5, 1, 0]),
        ("stories260k.slice.m5.mlir", [36, 11, 10, 5, 5, 1, 0]),
        (
            "smollm2-135m.rows.m1.f16.mlir.gz",
            [211, 61, 60, 30, 30, 1, 0],
        ),
        (
            "smollm2-135m.rows.m5.f32.mlir.gz",
            [211, 61, 60, 30, 30, 1, 0],
        ),
        ("jax.stories-shape.decode.mlir", [36, 11, 10, 5, 5, 1, 0]),
        // a loop over layers
        ("jax.scan.decode.mlir", [8, 3, 2, 1, 1, 1, 0]),
        ("jax.gemma.decode.mlir", [8, 3, 2, 1, 1, 1, 0]),
        // queries, keys and values are one product; positions are a slice of a table
        ("jax.gpt2.verify4.mlir", [13, 7, 0, 3, 3, 1, 0]),
        // drafter and target, both loops over layers
        ("jax.speculative_loop.mlir", [16, 6, 4, 2, 2, 2, 2]),
        // its caches have no static size: attention stays
        ("dynamic_bounded.mlir", [5, 0, 0, 0, 0, 1, 0]),
    ];
    for (file, numbers) in cases {
        let text = fixtures::text(file).expect("the fixture is readable");
        let names = [
            "linear",
            "norm",
            "rope",
            "attention",
            "activation",
            "embedding",
            "argmax",
        ];
        let named = names.iter().map(|n| format!("spec.{n}")).zip(numbers);
        let mut expected: BTreeMap<String, usize> = named.filter(|(_, n)| *n > 0).collect();
        if file.starts_with("dynamic") {
            expected.insert("left".into(), 2);
        }
        assert_eq!(counted(&text), Ok(expected), "{file}");
    }
}

/// New rows go into the cache itself: nothing else computes a value of a cache's or a layer's size.
#[test]
fn caches_are_updated_in_place() {
    let mut failures = vec![];
    for (name, spec) in models() {
        let c = &spec.config;
        let (kv, rows, dim) = (c.kv_heads, c.context, c.head_dim);
        let layers = [
            format!("{kv}x{rows}x{dim}xf32"),
            format!("{rows}x{kv}x{dim}xf32"),
        ];
        let ran = opt_text(&PASSES, &build(&Form::Single(spec)).text);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let copies = |l: &&str| {
            let computes = ["linalg.", "tensor.concat", "tensor.empty"]
                .iter()
                .any(|op| l.contains(op));
            computes && layers.iter().any(|s| l.contains(s))
        };
        failures.extend(
            ran.stdout
                .lines()
                .filter(copies)
                .map(|l| format!("{name}: {l}")),
        );
    }
    assert_eq!(failures, Vec::<String>::new());
}
