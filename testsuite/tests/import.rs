//! `spec-import`: the functions it writes, compiled and run, against references of their own; what it says of pairs and of bad input.

#[path = "import/bad.rs"]
mod bad;
#[path = "import/logits.rs"]
mod logits;
#[path = "import/pairs.rs"]
mod pairs;
#[path = "import/reference.rs"]
mod reference;

use spec_testsuite::tools::{Ran, run, spec_import};
use std::path::Path;

/// Runs the importer in a folder.
fn import(folder: &Path, args: &[&str]) -> Ran {
    run(&spec_import(), args, folder, None)
}

/// Runs it; it must succeed.
fn imported(folder: &Path, args: &[&str]) -> Ran {
    let ran = import(folder, args);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

/// A file of a folder, as JSON.
fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}
