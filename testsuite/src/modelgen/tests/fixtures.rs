//! The fixtures: sizes, validity, and that generated ones are up to date.

use crate::modelgen::run::{self, Input};
use crate::modelgen::{Element, Type, fixtures};

/// Largest size of a file in the folder.
const LIMIT: u64 = 200_000;

#[test]
fn generated_fixtures_are_up_to_date() {
    let write = std::env::var_os("SPEC_WRITE_FIXTURES").is_some();
    for (name, text) in fixtures::generated() {
        if write {
            std::fs::write(fixtures::path(name), &text).expect("the folder can be written");
        }
        let stored = fixtures::text(name).unwrap_or_default();
        assert!(
            stored == text,
            "{name} differs: write it again with SPEC_WRITE_FIXTURES=1"
        );
    }
}

#[test]
fn good_fixtures_verify() {
    for name in fixtures::GOOD {
        run::verify(&fixtures::text(name).expect(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn fixtures_are_small_and_listed() {
    let readme = fixtures::text("README.md").expect("a README");
    let mut count = 0;
    for folder in ["", "bad"] {
        for entry in std::fs::read_dir(fixtures::path(folder)).expect("the folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("a type").is_dir()
                || name == "README.md"
                || name.ends_with(".snap")
            {
                continue;
            }
            count += 1;
            assert!(
                entry.metadata().expect("metadata").len() < LIMIT,
                "{name} is too large"
            );
            assert!(
                readme.contains(&format!("`{name}`")),
                "{name} is not in the README"
            );
            if folder.is_empty() && (name.ends_with(".mlir") || name.ends_with(".gz")) {
                assert!(
                    fixtures::GOOD.contains(&name.as_str()),
                    "{name} is not in GOOD"
                );
            }
        }
    }
    assert!(count > 25);
}

fn f32s(dims: &[usize]) -> Type {
    Type::tensor(dims, Element::F32)
}

/// Weights of `layers` layers of the stories260K shape; layers from `silent` on add nothing to the residual stream.
fn stories_weights(layers: usize, silent: usize) -> Vec<Input> {
    let shapes: [&[usize]; 9] = [
        &[64],
        &[64],
        &[64, 64],
        &[32, 64],
        &[32, 64],
        &[64, 64],
        &[172, 64],
        &[172, 64],
        &[64, 172],
    ];
    let fill = |dims: &[usize], seed: i64| Input::Fill(f32s(dims), seed, 0.2);
    let mut weights = vec![Input::Fill(f32s(&[512, 64]), 999, 1.0)];
    for layer in 0..layers {
        for (i, dims) in shapes.iter().enumerate() {
            let output = matches!(i, 5 | 8);
            let seed = (layer * shapes.len() + i) as i64;
            weights.push(if output && layer >= silent {
                Input::Zero(f32s(dims))
            } else {
                fill(dims, seed)
            });
        }
    }
    weights.push(Input::Fill(f32s(&[64]), 998, 1.0));
    weights
}

fn stories_logits(entry: &str, layers: usize, tokens: &[f64]) -> Vec<f64> {
    let m = tokens.len();
    let cache = f32s(&[layers, 4, 256, 8]);
    let mut args = vec![
        Input::Dense(Type::tensor(&[1, m], Element::I64), tokens.to_vec()),
        Input::Zero(Type::tensor(&[], Element::I64)),
        Input::Zero(cache.clone()),
        Input::Zero(cache),
    ];
    args.extend(stories_weights(layers, 2));
    let rows = f32s(&[layers, 4, m, 8]);
    let text = fixtures::text("pair.mlir").expect("the fixture");
    run::execute(&text, entry, &args, &[f32s(&[m, 512]), rows.clone(), rows])
        .expect("runs")
        .remove(0)
}

/// With the weights of its other layers at zero, the target is its own drafter.
#[test]
fn the_pairs_drafter_is_the_start_of_its_target() {
    let drafted = stories_logits("draft", 2, &[17.0]);
    let verified = stories_logits("verify5", 5, &[17.0, 3.0, 400.0, 9.0, 2.0]);
    assert!(drafted.iter().any(|v| v.abs() > 0.5));
    assert!(
        verified[512..]
            .iter()
            .zip(&drafted)
            .any(|(a, b)| (a - b).abs() > 0.5),
        "rows differ"
    );
    for (a, b) in verified.iter().zip(&drafted) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }
}
