//! Goldens of `spec-quantize`, and what it does to exported models.

mod goldens;

use spec_testsuite::tools::opt_file;

#[test]
fn goldens_of_quantize() {
    goldens::check("quantize", &["--spec-quantize=all=i4g32 min-elements=0"]);
}

/// Runs passes on a fixture; what they print and say.
fn run(fixture: &str, passes: &str) -> (String, String) {
    let pipeline = format!("--pass-pipeline=builtin.module({passes})");
    let ran = opt_file(&[&pipeline, &format!("fixtures/{fixture}")]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    (ran.stdout, ran.stderr)
}

const RAISE: &str = "spec-identify,inline,symbol-dce,canonicalize,cse,spec-raise,canonicalize,cse";

/// How many ops of a text are products or embeddings with this format.
fn count(text: &str, format: &str) -> usize {
    let ops = text
        .lines()
        .filter(|l| l.contains(" = spec.linear ") || l.contains(" = spec.embedding "));
    ops.filter(|l| l.contains(format)).count()
}

#[test]
fn all_weights_of_exported_models_change() {
    // 5 layers of 7 products, the head and the table, in each exporter's form; only the product with 172 inputs has no groups
    for fixture in [
        "stories260k.slice.m1.mlir",
        "stories260k.rows.m5.mlir",
        "jax.stories-shape.decode.mlir",
    ] {
        let (text, _) = run(
            fixture,
            &format!("{RAISE},spec-quantize{{target=i4g32}},canonicalize,cse"),
        );
        assert_eq!(count(&text, " i4 group 32 ins("), 32, "{fixture}");
        assert_eq!(count(&text, " i8 ins("), 5, "{fixture}");
        assert_eq!(count(&text, " dense "), 0, "{fixture}");
        assert!(text.contains("dtype = i4"), "{fixture}");
    }
}

#[test]
fn a_run_without_a_format_changes_nothing() {
    let fixture = "stories260k.slice.m1.mlir";
    let (before, _) = run(fixture, RAISE);
    for options in ["", "{drafter=i4g32}", "{target=none all=i8}"] {
        let (after, _) = run(fixture, &format!("{RAISE},spec-quantize{options}"));
        assert_eq!(before, after, "{options}");
    }
}

#[test]
fn floats_of_floats_change_nothing() {
    let fixture = "stories260k.slice.m1.mlir";
    let once = format!("{RAISE},spec-quantize{{target=f16}}");
    let (text, _) = run(fixture, &once);
    assert_eq!(count(&text, "xf16>"), 37);
}
