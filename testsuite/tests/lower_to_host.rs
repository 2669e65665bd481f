//! `spec-lower-to-host`: goldens, and the example of the pass's own header. What the lowered modules compute is checked in
//! `lower_to_host_twins`.

use insta::{Settings, assert_snapshot};
use spec_testsuite::tools::{opt_file, opt_text};
use std::collections::BTreeSet;
use std::path::Path;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lower_to_host");

fn stems(extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(DIR).expect("the folder of cases is there");
    files
        .map(|f| f.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// Every `*.mlir` is lowered; `error_*` must fail, all others must verify.
#[test]
fn goldens() {
    let cases = stems("mlir");
    assert!(!cases.is_empty());
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(DIR);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in &cases {
        let file = format!("tests/lower_to_host/{case}.mlir");
        let ran = opt_file(&[
            "--allow-unregistered-dialect",
            "--spec-lower-to-host",
            &file,
        ]);
        let fails = case.starts_with("error_");
        assert_eq!(ran.code, Some(i32::from(fails)), "{case}: {}", ran.stderr);
        let text = if fails {
            errors(&ran.stderr)
        } else {
            ran.stdout
        };
        settings.bind(|| assert_snapshot!(case.as_str(), text));
    }
    let orphans: Vec<_> = stems("snap").difference(&cases).cloned().collect();
    assert!(orphans.is_empty(), "goldens without input: {orphans:?}");
}

/// The lines that carry messages; MLIR prints source and IR between them.
fn errors(stderr: &str) -> String {
    let is_message = |l: &&str| l.contains(": error: ") || l.contains(": note: ");
    let lines: Vec<&str> = stderr
        .lines()
        .filter(is_message)
        .filter(|l| !l.contains("see current operation"))
        .collect();
    lines.join("\n")
}

/// The header's *Before* becomes its *After*.
#[test]
fn the_header_tells_the_truth() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../codegen/src/lower_to_host.rs");
    let source = std::fs::read_to_string(source).expect("the pass is there");
    let header: Vec<&str> = source
        .lines()
        .map_while(|l| l.strip_prefix("//!"))
        .collect();
    let header = header.join("\n");
    let blocks: Vec<&str> = header
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|b| b.trim_start().strip_prefix("mlir"))
        .collect();
    let [before, after] = blocks[..] else {
        panic!("expected two blocks of MLIR, found {}", blocks.len())
    };
    let (lowered, expected) = (
        opt_text(&["--spec-lower-to-host"], before),
        opt_text(&[], after),
    );
    assert_eq!(
        (lowered.code, expected.code),
        (Some(0), Some(0)),
        "{}{}",
        lowered.stderr,
        expected.stderr
    );
    assert_eq!(lowered.stdout, expected.stdout);
}

/// What was lowered is lowered: a second run changes nothing.
#[test]
fn lowering_twice_changes_nothing() {
    for case in stems("mlir").iter().filter(|c| !c.starts_with("error_")) {
        let file = format!("tests/lower_to_host/{case}.mlir");
        let once = opt_file(&[
            "--allow-unregistered-dialect",
            "--spec-lower-to-host",
            &file,
        ])
        .stdout;
        let twice = opt_text(
            &["--allow-unregistered-dialect", "--spec-lower-to-host"],
            &once,
        );
        assert_eq!(twice.stdout, once, "{case}: {}", twice.stderr);
    }
}
