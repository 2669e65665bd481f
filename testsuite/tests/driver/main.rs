//! The driver: its own flags, mlir-opt's flags beside them, reports and the graph.
//!
//! Goldens: `report_keys` in this folder; `X.identify` and `X.report` beside the fixtures.

mod flags;
mod reports;

use insta::{Settings, assert_snapshot};
use serde_json::Value;
use spec_testsuite::tools::{Ran, opt_file};
use std::path::Path;

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
