//! The model folder: written beside its place, moved there at the end.

use crate::description::TOKENIZER;
use crate::error::ImportError;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Every file that this program may write; the description comes last.
const FILES: [&str; 5] = [
    "model.mlir",
    TOKENIZER,
    "target.safetensors",
    "drafter.safetensors",
    "import.json",
];

/// A folder that is being written.
pub struct Output {
    place: PathBuf,
    temporary: TempDir,
}

impl Output {
    /// Begins a folder; `sources` are what the models are read from.
    ///
    /// # Errors
    /// The place is no folder, is a source, or cannot be written.
    pub fn begin(place: &Path, sources: &[&Path]) -> Result<Self, ImportError> {
        let refuse = |reason: &str| {
            let place = place.display();
            Err(ImportError::Option(format!(
                "-o {place}: {reason}; give another name"
            )))
        };
        if place.exists() && !place.is_dir() {
            return refuse("there is a file of this name");
        }
        let same = |source: &&&Path| {
            let folder = if source.is_dir() {
                Some(**source)
            } else {
                source.parent()
            };
            let whole = |p: &Path| {
                if p == Path::new("") {
                    Path::new(".").canonicalize()
                } else {
                    p.canonicalize()
                }
            };
            matches!((whole(place), folder.map(whole)), (Ok(a), Some(Ok(b))) if a == b)
        };
        if sources.iter().any(|s| same(&s)) {
            return refuse("the source is in this folder, which would get mixed with it");
        }
        let whole = std::path::absolute(place).map_err(ImportError::writing(place))?;
        let Some(parent) = whole.parent() else {
            return refuse("not a folder that can be written");
        };
        std::fs::create_dir_all(parent).map_err(ImportError::writing(parent))?;
        let mut builder = tempfile::Builder::new();
        let temporary = builder.prefix(".spec-import-").tempdir_in(parent);
        let temporary = temporary.map_err(ImportError::writing(parent))?;
        Ok(Output {
            place: whole,
            temporary,
        })
    }

    /// Where a file is written for now.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    /// Writes a text.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, name: &str, text: &str) -> Result<(), ImportError> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(ImportError::writing(&path))
    }

    /// Moves everything to its place: files of an earlier run go, others stay. Names and bytes of what is there now.
    ///
    /// # Errors
    /// The system's; with a new folder, then nothing is there.
    pub fn finish(self) -> Result<Vec<(&'static str, u64)>, ImportError> {
        let place = &self.place;
        std::fs::create_dir_all(place).map_err(ImportError::writing(place))?;
        let mut written = vec![];
        // without its description, a folder that is half new is no model folder
        let description = place.join("import.json");
        if description.exists() {
            std::fs::remove_file(&description).map_err(ImportError::writing(&description))?;
        }
        for name in FILES {
            let (from, to) = (self.path(name), place.join(name));
            match std::fs::metadata(&from) {
                Ok(meta) => {
                    std::fs::rename(&from, &to).map_err(ImportError::writing(&to))?;
                    written.push((name, meta.len()));
                }
                Err(_) if to.exists() => {
                    std::fs::remove_file(&to).map_err(ImportError::writing(&to))?;
                }
                Err(_) => {}
            }
        }
        Ok(written)
    }
}
