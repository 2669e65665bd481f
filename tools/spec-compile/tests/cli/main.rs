//! The tool as a user runs it: what it writes, what it says, what it refuses.

mod bundles;
mod errors;
mod execution;
mod gpu;
mod pairs;

use serde_json::Value;
use spec_runtime::manifest::{FILE_NAME, Manifest};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const MODEL: &str = "stories260k.slice.m1.mlir";

/// A file of the test suite.
fn fixture(name: &str) -> String {
    format!(
        "{}/../../testsuite/fixtures/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// A file of this crate's tests.
fn input(name: &str) -> String {
    format!("{}/tests/inputs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A folder of a test's own, and a run of the tool in it.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spec-compile"));
        command.args(args).current_dir(self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the tool starts")
    }

    /// A run that must succeed; stdout and stderr.
    fn ok(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
        (out, err)
    }

    /// A run that must fail with `code` and leave the folder as it was; stderr.
    fn fails(&self, args: &[&str], code: i32) -> String {
        let before = self.files();
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert_eq!(self.files(), before, "{args:?}: files were left");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// All files and folders, sorted.
    fn files(&self) -> Vec<String> {
        fn walk(folder: &Path, prefix: &str, all: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).expect("readable").flatten() {
                let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
                if entry.path().is_dir() {
                    walk(&entry.path(), &format!("{name}/"), all);
                }
                all.push(name);
            }
        }
        let mut all = vec![];
        walk(self.0.path(), "", &mut all);
        all.sort();
        all
    }

    fn manifest(&self, folder: &str) -> Manifest {
        let path = self.path(folder).join(FILE_NAME);
        let text = std::fs::read_to_string(path).expect("a manifest");
        Manifest::from_json(&text).expect("it agrees with itself")
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("not JSON: {e}\n{text}"))
}
