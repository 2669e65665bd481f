//! `--explain`, `--report` and the graph.

use crate::{PAIR, PARTITION, golden, json, opt, report, root};
use serde_json::Value;
use spec_testsuite::modelgen::fixtures;
use spec_testsuite::tools::{opt_file, opt_text};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

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
