//! Goldens of a pass: every `X.mlir` of its folder is run, and what comes out is `X.snap` beside it.

use insta::{Settings, assert_snapshot};
use spec_testsuite::tools::{Ran, opt_file};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).expect("the folder of cases is there");
    files
        .map(|f| f.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == extension))
        .filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned()))
        .collect()
}

/// Names of a folder's cases.
#[allow(dead_code)] // not every test goes through them itself
pub fn cases(name: &str) -> BTreeSet<String> {
    stems(&folder(name), "mlir")
}

/// The arguments that a case asks for, one a line: `// arg: --spec-outline` at its start.
///
/// # Panics
/// Another key than `arg`.
fn args(text: &str) -> Vec<String> {
    let comments = text.lines().map_while(|l| l.strip_prefix("// "));
    comments
        .filter_map(|l| l.split_once(": "))
        .filter(|(key, _)| !key.contains(' '))
        .map(|(key, value)| {
            assert_eq!(key, "arg", "unknown key in the header of a case");
            value.to_owned()
        })
        .collect()
}

/// Runs a folder's cases with `default` or the arguments that they name. `error_*` must fail, all others must not.
#[allow(dead_code)] // a test that shows part of a module only goes through `check_shown`
pub fn check(name: &str, default: &[&str]) {
    check_shown(name, default, |module| module.to_owned());
}

/// [`check`], with `show` of the module that comes out in the golden.
pub fn check_shown(name: &str, default: &[&str], show: impl Fn(&str) -> String) {
    let folder = folder(name);
    let cases = stems(&folder, "mlir");
    assert!(!cases.is_empty());
    let mut settings = Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for case in &cases {
        let file = format!("tests/{name}/{case}.mlir");
        let text = std::fs::read_to_string(folder.join(format!("{case}.mlir"))).expect("readable");
        let named = args(&text);
        let mut all: Vec<&str> = match &named[..] {
            [] => default.to_vec(),
            some => some.iter().map(String::as_str).collect(),
        };
        all.push(&file);
        let ran = opt_file(&all);
        let code = i32::from(case.starts_with("error_"));
        assert_eq!(ran.code, Some(code), "{case}: {}", ran.stderr);
        let shown = messages(&ran) + &show(&ran.stdout);
        settings.bind(|| assert_snapshot!(case.as_str(), shown));
    }
    let orphans: Vec<_> = stems(&folder, "snap").difference(&cases).cloned().collect();
    assert!(orphans.is_empty(), "goldens without input: {orphans:?}");
}

/// The lines that carry messages; MLIR prints source and IR between them.
fn messages(ran: &Ran) -> String {
    let is_message = |l: &&str| {
        let kinds = [": error: ", ": warning: ", ": remark: ", ": note: "];
        kinds.iter().any(|k| l.contains(k)) && !l.contains("see current operation")
    };
    let lines = ran.stderr.lines().filter(is_message);
    lines.map(|l| format!("{l}\n")).collect()
}
