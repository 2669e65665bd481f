//! The driver: its own flags, mlir-opt's flags beside them, reports and the graph.

use insta::{Settings, assert_snapshot};
use serde_json::Value;
use spec_testsuite::modelgen::fixtures;
use spec_testsuite::tools::{Ran, opt_file, opt_text, run, spec_opt};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAIR: &str = "fixtures/pair.mlir";
const PARTITION: &str = "--spec-partition=soc=imx95 alpha=0.8";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn golden(folder: &str, name: &str, text: &str) {
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(root().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| assert_snapshot!(name, text));
}

/// What `spec-opt` says of a run that must succeed.
fn opt(args: &[&str]) -> Ran {
    let ran = opt_file(args);
    assert_eq!(ran.code, Some(0), "spec-opt {args:?}: {}", ran.stderr);
    ran
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}\n{text}"))
}

/// The report on stderr, without the diagnostics in front of it.
fn report(stderr: &str) -> &str {
    let start = ["drafter: ", "target: "].iter().filter_map(|r| {
        let at = stderr.find(&format!("\n{r}")).map(|i| i + 1);
        if stderr.starts_with(r) { Some(0) } else { at }
    });
    &stderr[start.min().unwrap_or_else(|| panic!("no report: {stderr}"))..]
}

#[test]
fn explain_leaves_the_module_as_it_is() {
    let plain = opt(&[PARTITION, PAIR]);
    let explained = opt(&[PARTITION, "--explain", PAIR]);
    assert_eq!(explained.stdout, plain.stdout);
    assert!(explained.stderr.starts_with(&plain.stderr));
    golden("fixtures", "pair.explain", report(&explained.stderr));
}

#[test]
fn the_text_report_is_that_of_explain() {
    let explained = opt(&[PARTITION, "--explain", PAIR]);
    let told = opt(&[PARTITION, "--report=text", PAIR]);
    assert_eq!(told.stdout, report(&explained.stderr));
    let separate = opt(&[PARTITION, "--report", "text", PAIR]);
    assert_eq!(separate.stdout, told.stdout);
}

/// Contributions of the op classes add up to the round, to what is printed.
#[test]
fn contributions_add_up() {
    let told = opt(&[PARTITION, "--report=text", PAIR]).stdout;
    let milliseconds = |l: &str| -> Option<f64> {
        l.split(" ms")
            .next()?
            .split_whitespace()
            .next_back()?
            .parse()
            .ok()
    };
    let round = told.split("one round:").nth(1).expect("a round");
    let lines: Vec<&str> = round
        .lines()
        .skip(1)
        .take_while(|l| !l.is_empty())
        .collect();
    let (total, parts): (Vec<&str>, Vec<&str>) =
        lines.into_iter().partition(|l| l.contains("total"));
    let total = milliseconds(total[0]).expect("a total");
    let sum: f64 = parts.iter().filter_map(|l| milliseconds(l)).sum();
    assert!(parts.len() > 10 && total > 0.0);
    assert!(
        (sum - total).abs() < 0.0005 * parts.len() as f64,
        "{sum} ms in parts, {total} ms in all"
    );
}

/// Paths of all keys, with `[]` for elements of lists.
fn keys(prefix: &str, value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let path = format!("{prefix}.{key}");
                out.insert(path.clone());
                keys(&path, inner, out);
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|v| keys(&format!("{prefix}[]"), v, out)),
        _ => (),
    }
}

#[test]
fn the_json_report_keeps_its_keys() {
    let value = json(&opt(&[PARTITION, "--report=json", PAIR]).stdout);
    let mut all = BTreeSet::new();
    keys("", &value, &mut all);
    golden(
        "tests/driver",
        "report_keys",
        &all.into_iter().collect::<Vec<_>>().join("\n"),
    );
}

#[test]
fn the_json_report_of_a_small_model() {
    let told = opt(&[
        "--spec-identify",
        "--report=json",
        "fixtures/dynamic_bounded.mlir",
    ])
    .stdout;
    json(&told);
    golden("fixtures", "dynamic_bounded.report", &told);
}

/// JSON and text are of one run: the same figures.
#[test]
fn both_reports_agree() {
    let value = json(&opt(&[PARTITION, "--report=json", PAIR]).stdout);
    let text = opt(&[PARTITION, "--report=text", PAIR]).stdout;
    for model in value["models"].as_array().expect("models") {
        let expected = format!(
            "parameters  {} in {} tensors",
            model["shape"]["parameters"], model["parameter_tensors"]
        );
        assert!(text.contains(&expected), "{expected}\n{text}");
    }
    let speed = value["outcome"]["best"]["tokens_per_second"]
        .as_f64()
        .expect("tokens per second");
    assert!(
        text.contains(&format!("{speed:.3} tokens/s")),
        "{speed}\n{text}"
    );
}

#[test]
fn every_good_fixture_is_identified() {
    for name in fixtures::GOOD {
        let text = fixtures::text(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        let ran = opt_text(&["--spec-identify", "--report=text"], &text);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        let stem = name.trim_end_matches(".gz").trim_end_matches(".mlir");
        golden("fixtures", &format!("{stem}.identify"), &ran.stdout);
    }
}

#[test]
fn no_golden_is_left_over() {
    let files = fs::read_dir(root().join("fixtures")).expect("the fixtures");
    for file in files.map(|f| {
        f.expect("readable")
            .file_name()
            .to_string_lossy()
            .into_owned()
    }) {
        let Some(golden) = file.strip_suffix(".snap") else {
            continue;
        };
        let of = fixtures::GOOD.iter().any(|g| {
            let stem = g.trim_end_matches(".gz").trim_end_matches(".mlir");
            golden
                .strip_prefix(stem)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        assert!(of, "{file}: a golden without input");
    }
}

/// The graph file is one that graphviz renders.
#[test]
fn the_graph_renders() {
    let dir = tempfile::tempdir().expect("a folder");
    for (flag, fixture) in [
        ("--spec-print-graph=", PAIR),
        ("--spec-identify=print-graph=", "fixtures/inlined_loop.mlir"),
    ] {
        let (dot, svg) = (dir.path().join("graph.dot"), dir.path().join("graph.svg"));
        let flag = format!("{flag}{}", dot.display());
        opt(&["--spec-identify", &flag, fixture, "-o", "/dev/null"]);
        let status = Command::new("dot")
            .arg("-Tsvg")
            .arg(&dot)
            .arg("-o")
            .arg(&svg)
            .status();
        let status = status.expect("graphviz is installed (scripts/setup.sh)");
        assert!(status.success(), "dot: {status}");
        let drawn = fs::read_to_string(&svg).expect("the drawing");
        assert!(
            drawn.contains("</svg>") && drawn.matches("class=\"node\"").count() > 20,
            "{}",
            drawn.len()
        );
        fs::remove_file(dot).expect("the graph was written");
    }
}

/// Two modules in one file give two reports, in their order, whatever of them was placed.
#[test]
fn split_input_gives_a_report_each() {
    let read = |name| fixtures::text(name).expect("a fixture");
    let both = format!(
        "{}// -----\n{}",
        read("pair.mlir"),
        read("inlined_loop.mlir")
    );
    for pass in ["--spec-identify", PARTITION] {
        let ran = opt_text(&["--split-input-file", pass, "--report=json"], &both);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let value = json(&ran.stdout);
        let reports = value.as_array().expect("a list of reports");
        let vocabularies: Vec<_> = reports
            .iter()
            .map(|r| r["models"][0]["shape"]["vocabulary"].as_u64())
            .collect();
        assert_eq!(vocabularies, [Some(512), Some(32)], "{pass}");
    }
}

/// A later pass's report takes the place of an earlier one's.
#[test]
fn a_module_has_one_report() {
    let ran = opt(&[
        "--spec-identify",
        "--spec-place=alpha=0.8",
        "--report=json",
        PAIR,
    ]);
    assert!(json(&ran.stdout)["outcome"].is_object());
}

/// What was found is told even when the plan fails.
#[test]
fn explain_tells_how_far_it_came() {
    let ran = opt_file(&[
        "--spec-partition=alpha=0.8 force-target=npu",
        "--explain",
        PAIR,
    ]);
    assert_eq!(ran.code, Some(1));
    assert!(
        report(&ran.stderr).contains("vocabulary 512"),
        "{}",
        ran.stderr
    );
    let silent = opt_file(&[
        "--spec-partition=alpha=0.8 force-target=npu",
        "--report=json",
        PAIR,
    ]);
    assert_eq!((silent.code, silent.stdout.as_str()), (Some(1), ""));
}

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
