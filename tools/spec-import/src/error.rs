//! What goes wrong, whose fault it is, and what to do.

use std::path::{Path, PathBuf};

/// Any error of this program.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is damaged, or is not what it should be.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A model that cannot be imported.
    #[error("{}: {reason}", path.display())]
    Unsupported {
        /// The file that says so.
        path: PathBuf,
        /// What is not supported, and what is.
        reason: String,
    },
    /// A tensor is missing.
    #[error("{}: no tensor {tensor:?}; {hint}", path.display())]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// Its name.
        tensor: String,
        /// What there is, and what to do.
        hint: String,
    },
    /// A tensor has other sizes than the configuration says.
    #[error("{}: {tensor:?} is {found:?}, the configuration says {expected:?}: configuration and weights are of different models", path.display())]
    Shape {
        /// The file or folder.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its sizes.
        found: Vec<u64>,
        /// Those of the configuration.
        expected: Vec<u64>,
    },
    /// Drafter and target do not fit together.
    #[error("drafter and target do not fit: {0}")]
    Pair(String),
    /// An option asks for what cannot be.
    #[error("{0}")]
    Option(String),
    /// A fault of this program.
    #[error("internal error, please report it: {0}")]
    Internal(&'static str),
}

impl ImportError {
    /// For `map_err` where a file is read.
    pub fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// For `map_err` where a file is written.
    pub fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// A damaged file: what is wrong and what to do.
    pub fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.to_owned(), reason.into());
        Self::Damaged { path, reason }
    }

    /// A model that cannot be imported: what is not supported, and what is.
    pub fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.to_owned(), reason.into());
        Self::Unsupported { path, reason }
    }
}
