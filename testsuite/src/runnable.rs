//! From a checkpoint to a bundle that generates: spec-import, spec-compile, spec-weights.

use crate::checkpoint::Model;
use crate::tools::{run, spec_compile, spec_import, spec_weights};
use std::path::{Path, PathBuf};

/// A folder with a checkpoint (`target`), the imported model (`model`) and the bundle (`out`).
#[derive(Debug)]
pub struct Runnable {
    folder: tempfile::TempDir,
}

/// Runs a tool that must succeed.
fn done(program: &Path, args: &[&str], folder: &Path) {
    let ran = run(program, args, folder, None);
    assert_eq!(
        ran.code,
        Some(0),
        "{} {args:?}: {}",
        program.display(),
        ran.stderr
    );
}

impl Runnable {
    /// Imports a checkpoint with further options of `spec-import` (the drafter), compiles it with those of `spec-compile` (placements)
    /// and writes its weights.
    ///
    /// # Panics
    /// A tool fails.
    pub fn new(checkpoint: &Model, import: &[&str], compile: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        checkpoint.write(&folder.path().join("target"));
        let made = Self { folder };
        made.import(import);
        made.compile("out", compile);
        made
    }

    fn import(&self, options: &[&str]) {
        let args = ["--target", "target", "-o", "model", "--quiet"];
        done(&spec_import(), &[&args, options].concat(), self.path());
    }

    /// Compiles the imported model once more, to the folder `name`.
    ///
    /// # Panics
    /// A tool fails.
    pub fn compile(&self, name: &str, options: &[&str]) -> PathBuf {
        let args = ["model/model.mlir", "-o", name, "--quiet"];
        done(&spec_compile(), &[&args, options].concat(), self.path());
        let manifest = format!("{name}/manifest.json");
        let args = ["--model", "model", "--manifest", &manifest, "--quiet"];
        done(&spec_weights(), &args, self.path());
        self.path().join(name)
    }

    /// The folder of all.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The bundle.
    pub fn bundle(&self) -> PathBuf {
        self.path().join("out")
    }
}
