//! What can go wrong, whose fault it is, and what to do.

use crate::search::Refusal;

/// An error of this crate. Every variant is the user's input; a bug of ours is a panic in a test, never here.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CostError {
    /// A file cannot be read.
    #[error("cannot read '{path}': {reason}")]
    Read {
        /// The path as the user gave it.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// A file was read and is wrong at a place.
    #[error("{path}:{line}: {message}")]
    File {
        /// The file, or `<builtin NAME>`.
        path: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong, with the key, and what would be right.
        message: String,
    },
    /// An option, or a value given through the API, is wrong.
    #[error("{0}")]
    Input(String),
    /// No placement of the target can run.
    #[error("no placement of the target '{target}' on '{soc}' can run:\n{}", list(.refused))]
    NothingFits {
        /// The target's name.
        target: String,
        /// The SoC's name.
        soc: String,
        /// Every placement tried, and why it cannot run.
        refused: Vec<Refusal>,
    },
}

impl CostError {
    pub(crate) fn input(message: impl Into<String>) -> Self {
        CostError::Input(message.into())
    }

    /// An error at byte `offset` of `text`.
    pub(crate) fn at(path: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        let line = line_of(text, offset);
        CostError::File {
            path: path.to_string(),
            line,
            message: message.into(),
        }
    }

    /// A TOML error with its line and, where the line has one, its key.
    pub(crate) fn toml(path: &str, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |s| s.start).min(text.len());
        let message = error.message().replace('\n', ", ");
        let start = text.as_bytes()[..offset]
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |i| i + 1);
        let line = text
            .get(start..)
            .and_then(|t| t.lines().next())
            .unwrap_or("");
        let inside = line.contains('{') || !message.starts_with("missing field");
        let key = line
            .split_once('=')
            .map(|(key, _)| key.trim())
            .filter(|k| inside && !k.is_empty() && !message.contains(k));
        let message = key.map_or_else(|| message.clone(), |k| format!("{k}: {message}"));
        CostError::at(path, text, offset, message)
    }
}

pub(crate) fn list(refused: &[Refusal]) -> String {
    let lines: Vec<String> = refused
        .iter()
        .map(|r| format!("  {}: {}", r.what, r.why))
        .collect();
    lines.join("\n")
}

/// Reads a text file whole; refuses what is too large to be one of ours (64 MiB) and what is not UTF-8.
pub(crate) fn read(path: &str) -> Result<String, CostError> {
    let fail = |reason: String| CostError::Read {
        path: path.to_string(),
        reason,
    };
    let size = std::fs::metadata(path)
        .map_err(|e| fail(e.to_string()))?
        .len();
    if size > 64 << 20 {
        return Err(fail(format!(
            "{size} bytes is more than the limit of 64 MiB"
        )));
    }
    std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))
}

/// Line, from 1, of byte `offset`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let upto = offset.min(text.len());
    1 + text.as_bytes()[..upto]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
}
