//! `spec-lower-kernels`: goldens of what becomes of the functions that call kernels. What kernels hold, and that they compute what the
//! ops say, is tested beside them (codegen/kernels).

use insta::{Settings, assert_snapshot};
use spec_testsuite::tools::opt_file;
use std::collections::BTreeSet;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lower_kernels");

fn stems(extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(DIR).expect("the folder of cases is there");
    files
        .map(|f| f.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// The module without the bodies of kernels, which are functions on `(!llvm.ptr, i64, i64)`.
fn without_kernels(module: &str) -> String {
    let mut out = String::new();
    let mut skipping = false;
    for line in module.lines() {
        skipping &= line != "  }";
        if !skipping {
            out += line;
            out.push('\n');
        }
        skipping |= line.starts_with("  func.func private @")
            && line.contains("(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64)");
    }
    out
}

#[test]
fn goldens() {
    let cases = stems("mlir");
    assert!(!cases.is_empty());
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(DIR);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in &cases {
        let file = format!("tests/lower_kernels/{case}.mlir");
        let text = std::fs::read_to_string(format!("{DIR}/{case}.mlir")).expect("readable");
        let named = text.lines().find_map(|l| l.strip_prefix("// arg: "));
        let ran = opt_file(&[named.unwrap_or("--spec-lower-kernels"), &file]);
        let fails = case.starts_with("error_");
        assert_eq!(ran.code, Some(i32::from(fails)), "{case}: {}", ran.stderr);
        let is_message = |l: &&str| l.contains(": error: ");
        let errors: Vec<&str> = ran.stderr.lines().filter(is_message).collect();
        let shown = if fails {
            errors.join("\n")
        } else {
            without_kernels(&ran.stdout)
        };
        settings.bind(|| assert_snapshot!(case.as_str(), shown));
    }
    let orphans: Vec<_> = stems("snap").difference(&cases).cloned().collect();
    assert!(orphans.is_empty(), "goldens without input: {orphans:?}");
}
