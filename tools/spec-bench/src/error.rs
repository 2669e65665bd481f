//! What goes wrong.

use spec_cost::CostError;
use spec_profile::bundle::BundleError;
use spec_profile::predict::PredictError;
use spec_runtime::generate::GenerateError;
use spec_runtime::model::LoadError;
use spec_text::WordsError;
use std::path::{Path, PathBuf};

/// Why nothing, or nothing complete, was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("{bundle}: {source}")]
    Load { bundle: String, source: LoadError },
    #[error("{bundle}, prompt {prompt}: {source}")]
    Generate {
        bundle: String,
        prompt: String,
        source: GenerateError,
    },
    #[error(transparent)]
    Cost(#[from] CostError),
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: {message}: not a file that spec-bench wrote; measure again", path.display())]
    Damaged { path: PathBuf, message: String },
    #[error("{path}: {message}")]
    Prompts { path: String, message: String },
    #[error("{bundle}: {source}")]
    Words { bundle: String, source: WordsError },
    #[error(transparent)]
    Predict(#[from] PredictError),
    #[error("{0}")]
    Usage(String),
    #[error(
        "{count} speculative runs gave other tokens than plain decoding, the first in {first}: greedy decoding must not change; see results.json"
    )]
    Differs { count: usize, first: String },
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("cannot write CSV: {0}")]
    Csv(String),
}

impl BenchError {
    /// A file that this program wrote, and cannot read again.
    pub(crate) fn damaged(path: &Path, source: &serde_json::Error) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            message: source.to_string(),
        }
    }

    pub(crate) fn reading(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        Self::file("read", path)
    }

    pub(crate) fn writing(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        Self::file("write", path)
    }

    fn file<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}
