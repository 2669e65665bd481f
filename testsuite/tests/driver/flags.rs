//! Input, output, pipelines, and mlir-opt's own flags.

use crate::{PAIR, PARTITION, json, opt, root};
use spec_testsuite::modelgen::fixtures;
use spec_testsuite::tools::{opt_file, opt_text, run, spec_opt};
use std::fs;
use std::path::Path;

#[test]
fn help_and_version() {
    let help = opt(&["--help"]).stdout;
    for flag in [
        "--spec-partition",
        "--drafter",
        "--target",
        "--explain",
        "--report",
        "--spec-print-graph",
        "--spec-identify",
        "--spec-place",
        "--spec-outline",
        "--canonicalize",
        "--split-input-file",
    ] {
        assert!(help.contains(flag), "--help does not name {flag}");
    }
    let version = opt(&["--version"]).stdout;
    assert!(
        version.starts_with(concat!("spec-opt ", env!("CARGO_PKG_VERSION"), "\n")),
        "{version}"
    );
    assert!(version.contains("LLVM version 22"), "{version}");
}

#[test]
fn stdin_output_file_and_bytecode() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let from_file = opt(&[PARTITION, PAIR]).stdout;
    let text = fixtures::text("pair.mlir").expect("a fixture");
    assert_eq!(
        opt_text(&[PARTITION], &text).stdout,
        from_file,
        "standard input"
    );
    assert_eq!(
        opt_text(&[PARTITION, "-"], &text).stdout,
        from_file,
        "standard input as -"
    );
    assert_eq!(opt(&[PARTITION, PAIR, "-o", &at("out.mlir")]).stdout, "");
    assert_eq!(
        fs::read_to_string(at("out.mlir")).expect("the output"),
        from_file
    );
    opt(&["--emit-bytecode", PAIR, "-o", &at("in.mlirbc")]);
    assert_eq!(
        opt(&[PARTITION, &at("in.mlirbc")]).stdout,
        from_file,
        "bytecode in"
    );
    opt(&[PARTITION, "--emit-bytecode", PAIR, "-o", &at("out.mlirbc")]);
    assert!(
        fs::read(at("out.mlirbc"))
            .expect("bytecode")
            .starts_with(b"ML\xefR")
    );
    assert_eq!(opt(&[&at("out.mlirbc")]).stdout, from_file, "bytecode out");
    let told = opt(&[
        PARTITION,
        "--report=text",
        PAIR,
        "-o",
        &at("with_report.mlir"),
    ])
    .stdout;
    assert!(told.starts_with("drafter: "));
    assert_eq!(
        fs::read_to_string(at("with_report.mlir")).expect("the output"),
        from_file
    );
}

#[test]
fn a_pipeline_as_text_is_the_same() {
    let expected = opt(&[PARTITION, PAIR]).stdout;
    for pipeline in [
        "builtin.module(spec-partition{soc=imx95 alpha=0.8})",
        "builtin.module(spec-identify,spec-place{soc=imx95 alpha=0.8},spec-outline)",
    ] {
        assert_eq!(
            opt(&["--pass-pipeline", pipeline, PAIR]).stdout,
            expected,
            "{pipeline}"
        );
    }
    let steps = opt(&[
        "--spec-identify",
        "--spec-place=soc=imx95 alpha=0.8",
        "--spec-outline",
        PAIR,
    ]);
    assert_eq!(steps.stdout, expected);
}

/// mlir-opt's own flags, beside our passes.
#[test]
fn mlir_opt_flags_work() {
    let canonical = opt(&["--canonicalize", "--cse", PAIR]).stdout;
    let stock = run(
        Path::new("mlir-opt-22"),
        &["--canonicalize", "--cse", PAIR],
        root(),
        None,
    );
    assert_eq!(stock.code, Some(0), "{}", stock.stderr);
    assert_eq!(canonical, stock.stdout, "without our passes it is mlir-opt");
    let timing = opt(&[PARTITION, "--mlir-timing", PAIR]);
    for pass in ["SpecIdentify", "SpecPlace", "SpecOutline"] {
        assert!(
            timing.stderr.contains(pass),
            "--mlir-timing does not name {pass}"
        );
    }
    let after = opt(&["--spec-identify", "--mlir-print-ir-after-all", PAIR]);
    assert!(
        after
            .stderr
            .contains("IR Dump After SpecIdentify (spec-identify)"),
        "{}",
        after.stderr.len()
    );
    let generic = opt(&[PARTITION, "--mlir-print-op-generic", PAIR]).stdout;
    assert_eq!(
        opt_text(&[], &generic).stdout,
        opt(&[PARTITION, PAIR]).stdout
    );
}

#[test]
fn verify_diagnostics_and_crash_reproducer() {
    let text = "// expected-error @below {{no language model found}}\nmodule {}\n";
    let ran = opt_text(&["--spec-identify", "--verify-diagnostics"], text);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ran = opt_text(&["--spec-identify", "--verify-diagnostics"], "module {}\n");
    assert_eq!(ran.code, Some(1), "an error that is not expected");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("reproducer.mlir");
    let flag = format!("--mlir-pass-pipeline-crash-reproducer={}", file.display());
    let ran = opt_file(&[&flag, PARTITION, "fixtures/bad/matmul_only.mlir"]);
    assert_eq!(ran.code, Some(1));
    let reproducer = fs::read_to_string(&file).expect("the reproducer");
    assert!(
        reproducer.contains("spec-identify") && reproducer.contains("{-#"),
        "{reproducer}"
    );
    let path = file.display().to_string();
    let again = opt_file(&["--run-reproducer", &path]);
    assert_eq!(again.code, Some(1));
    assert!(
        again.stderr.contains("has no embedding"),
        "{}",
        again.stderr
    );
}

/// Two files: linked, and then as if they had been one.
#[test]
fn two_files_are_linked() {
    let two = [
        "--drafter=fixtures/stories260k.slice.m1.mlir",
        "--target",
        "fixtures/stories260k.rows.m5.mlir",
    ];
    let ran = opt(&[&two[..], &[PARTITION, "--report=json"]].concat());
    let value = json(&ran.stdout);
    let roles: Vec<_> = value["models"]
        .as_array()
        .expect("models")
        .iter()
        .map(|m| m["role"].as_str())
        .collect();
    assert_eq!(roles, [Some("drafter"), Some("target")]);
}

/// Names with spaces are names.
#[test]
fn paths_may_hold_spaces() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("a folder")).expect("a folder");
    fs::copy(root().join(PAIR), dir.path().join("a folder/a pair.mlir")).expect("a copy");
    fs::copy(
        root().join("../cost/devices/imx95.toml"),
        dir.path().join("a folder/a device.toml"),
    )
    .expect("a copy");
    let graph = "--spec-print-graph=a folder/a graph.dot";
    let soc = "--spec-partition=soc='a folder/a device.toml' alpha=0.8";
    let ran = run(
        &spec_opt(),
        &[
            soc,
            graph,
            "a folder/a pair.mlir",
            "-o",
            "a folder/out.mlir",
        ],
        dir.path(),
        None,
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(dir.path().join("a folder/a graph.dot").exists());
    let ran = run(
        &spec_opt(),
        &[
            "--target=a folder/a pair.mlir",
            "--spec-identify",
            "-o",
            "/dev/null",
        ],
        dir.path(),
        None,
    );
    assert_ne!(ran.code, None, "{}", ran.stderr);
    assert!(!ran.stderr.contains("cannot read"), "{}", ran.stderr);
}

/// A reader that has seen enough is no error.
#[test]
fn a_closed_pipe_is_no_error() {
    for flags in ["", "--report=text -o /dev/null"] {
        let line = format!(
            "'{}' '{PARTITION}' {flags} {PAIR} 2>err.tmp | head -n 1",
            spec_opt().display()
        );
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("fixtures")).expect("a folder");
        fs::copy(root().join(PAIR), dir.path().join(PAIR)).expect("a copy");
        let ran = run(Path::new("sh"), &["-c", &line], dir.path(), None);
        assert_eq!(ran.stdout.lines().count(), 1);
        let said = fs::read_to_string(dir.path().join("err.tmp")).expect("stderr");
        assert!(
            !said.contains("LLVM ERROR") && !said.contains("panicked"),
            "{said}"
        );
    }
}
