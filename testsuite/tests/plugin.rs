//! The plugin in a stock `mlir-opt-22`.

use spec_testsuite::tools::{Ran, opt_file, run, spec_plugin};
use std::path::Path;

const PAIR: &str = "fixtures/pair.mlir";

fn stock(args: &[&str]) -> Ran {
    run(
        Path::new("mlir-opt-22"),
        args,
        Path::new(env!("CARGO_MANIFEST_DIR")),
        None,
    )
}

fn flags() -> [String; 2] {
    let plugin = spec_plugin().display().to_string();
    [
        format!("--load-dialect-plugin={plugin}"),
        format!("--load-pass-plugin={plugin}"),
    ]
}

/// The stock tool with dialect and passes.
fn with_plugin(args: &[&str]) -> Ran {
    let [dialect, pass] = flags();
    stock(&[&[dialect.as_str(), &pass], args].concat())
}

fn pipeline(passes: &str) -> String {
    format!("--pass-pipeline=builtin.module({passes})")
}

#[test]
fn the_same_module_as_spec_opt() {
    for passes in [
        "spec-partition{soc=imx95 alpha=0.8}",
        "spec-identify",
        "spec-place{soc=rk3588 alpha=0.8}",
        "spec-identify,spec-place{soc=imx95 alpha=0.8},spec-outline",
        "spec-partition{soc=unit alpha=0.9 sampling=rejection},canonicalize",
    ] {
        let ours = opt_file(&[&pipeline(passes), PAIR]);
        let theirs = with_plugin(&[&pipeline(passes), PAIR]);
        assert_eq!(ours.code, Some(0), "{passes}: {}", ours.stderr);
        assert_eq!(theirs, ours, "{passes}");
    }
}

#[test]
fn linking_two_files() {
    let passes = "spec-link{drafter=fixtures/stories260k.slice.m1.mlir target=fixtures/stories260k.rows.m5.mlir},spec-partition{alpha=0.8}";
    let theirs = with_plugin(&[&pipeline(passes), "/dev/null"]);
    let ours = opt_file(&[&pipeline(passes), "/dev/null"]);
    assert_eq!(theirs.code, Some(0), "{}", theirs.stderr);
    assert!(theirs.stdout.contains("spec.plan"));
    assert_eq!(theirs.stdout, ours.stdout);
}

/// Each pass on the text that the pass before it printed.
#[test]
fn one_pass_a_run() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut input = PAIR.to_owned();
    for (i, pass) in [
        "spec-identify",
        "spec-place{soc=imx95 alpha=0.8}",
        "spec-outline",
    ]
    .iter()
    .enumerate()
    {
        let output = dir.path().join(format!("{i}.mlir")).display().to_string();
        let ran = with_plugin(&[&pipeline(pass), &input, "-o", &output]);
        assert_eq!(ran.code, Some(0), "{pass}: {}", ran.stderr);
        input = output;
    }
    let ours = opt_file(&["--spec-partition=soc=imx95 alpha=0.8", PAIR]);
    assert_eq!(
        std::fs::read_to_string(input).expect("the output"),
        ours.stdout
    );
}

/// The dialect plugin parses what was printed; without it, the attributes are unknown, and MLIR says so.
#[test]
fn parsing_needs_the_dialect_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("partitioned.mlir").display().to_string();
    let ran = opt_file(&["--spec-partition=soc=imx95 alpha=0.8", PAIR, "-o", &file]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let [dialect, pass] = flags();
    let parsed = stock(&[&dialect, &file]);
    assert_eq!(parsed.code, Some(0), "{}", parsed.stderr);
    assert_eq!(
        parsed.stdout,
        std::fs::read_to_string(&file).expect("the input")
    );
    let unknown = stock(&[&file]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("spec"), "{}", unknown.stderr);
    // the pass plugin alone still loads the dialect that its passes depend on, once there is a pipeline
    let alone = stock(&[
        &pass,
        &pipeline("spec-partition{soc=imx95 alpha=0.8}"),
        PAIR,
    ]);
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    assert_eq!(alone.stdout, parsed.stdout);
    let no_passes = stock(&[&dialect, &pipeline("spec-partition"), PAIR]);
    assert_eq!(no_passes.code, Some(1));
    assert!(
        no_passes.stderr.contains("spec-partition"),
        "{}",
        no_passes.stderr
    );
}

/// `explain=true` is how a report comes out of a tool that has no flag for it.
#[test]
fn explain_is_a_remark() {
    let ran = with_plugin(&[
        &pipeline("spec-partition{soc=imx95 alpha=0.8 explain=true}"),
        PAIR,
        "-o",
        "/dev/null",
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let told = opt_file(&[
        "--spec-partition=soc=imx95 alpha=0.8",
        "--report=text",
        PAIR,
    ])
    .stdout;
    let decision = told
        .lines()
        .find(|l| l.starts_with("plan: "))
        .expect("a plan");
    assert!(
        ran.stderr.contains("fixtures/pair.mlir:15:1: remark: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(decision), "{}", ran.stderr);
}

#[test]
fn errors_are_at_a_place() {
    let ran = with_plugin(&[
        &pipeline("spec-partition{alpha=0.8}"),
        "fixtures/bad/matmul_only.mlir",
        "-o",
        "/dev/null",
    ]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("fixtures/bad/matmul_only.mlir:6:10: error: spec-identify: "),
        "{}",
        ran.stderr
    );
    let ran = with_plugin(&[
        &pipeline("spec-partition{alpha=2}"),
        PAIR,
        "-o",
        "/dev/null",
    ]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("option 'alpha'"), "{}", ran.stderr);
    let ran = with_plugin(&[&pipeline("spec-partition{beta=2}"), PAIR, "-o", "/dev/null"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("no such option beta"), "{}", ran.stderr);
}
