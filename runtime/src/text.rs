//! What a program that turns text into tokens must know of a model: `text.json`, written by `spec-weights` beside the weights.
//!
//! The runtime itself works on tokens; this is read by tools and by those who embed it.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Its name in a bundle's folder.
pub const FILE_NAME: &str = "text.json";

/// From text to tokens and back: the tokenizer and its special tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextInfo {
    /// File with the tokenizer, in the same folder, in the format of Hugging Face's `tokenizers`.
    #[serde(default)]
    pub tokenizer: Option<String>,
    /// The token that begins a text.
    #[serde(default)]
    pub bos: Option<u32>,
    /// Whether a prompt begins with it.
    #[serde(default)]
    pub add_bos: bool,
    /// Tokens that end a text.
    #[serde(default)]
    pub eos: Vec<u32>,
    /// How a conversation becomes one text: a Jinja template as Hugging Face's models have it.
    #[serde(default)]
    pub chat_template: Option<String>,
}

/// `text.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It is damaged.
    #[error("{}: {source}; write it again with spec-weights", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl TextInfo {
    /// Reads `text.json` of `folder`. None: there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged.
    pub fn read(folder: &Path) -> Result<Option<Self>, TextError> {
        let path = folder.join(FILE_NAME);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(TextError::Read { path, source }),
        };
        let info = serde_json::from_slice(&text);
        info.map(Some)
            .map_err(|source| TextError::Damaged { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(TextInfo::read(folder.path()).unwrap(), None);
        let file = folder.path().join(FILE_NAME);
        let info = TextInfo {
            bos: Some(1),
            eos: vec![2, 7],
            chat_template: Some("{{ bos_token }}".into()),
            ..TextInfo::default()
        };
        std::fs::write(&file, serde_json::to_string(&info).unwrap()).unwrap();
        assert_eq!(TextInfo::read(folder.path()).unwrap(), Some(info));
        std::fs::write(&file, "{\"eos\": 2}").unwrap();
        let error = TextInfo::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("text.json: invalid type"), "{error}");
    }
}
