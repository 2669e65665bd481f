//! Folders as Hugging Face's transformers write them.

mod config;
mod tensors;
mod text;

use crate::error::ImportError;
use crate::source::{Config, TensorInfo, Text};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// What a folder holds.
pub struct Folder {
    /// The model's sizes.
    pub config: Config,
    /// The files with weights, absolute.
    pub files: Vec<PathBuf>,
    /// All their tensors.
    pub tensors: Vec<TensorInfo>,
    /// Its tokenizer.
    pub text: Text,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Folder {
    /// Reads everything but the weights' values.
    ///
    /// # Errors
    /// A file is missing, damaged, or of a model that is not supported.
    pub fn open(folder: &Path) -> Result<Self, ImportError> {
        let mut warnings = vec![];
        let raw: config::Raw = json(&folder.join("config.json"))?;
        let config = raw.read(folder, &mut warnings)?;
        let (files, tensors) = tensors::read(folder)?;
        let text = text::read(folder, &raw, &mut warnings)?;
        Ok(Folder {
            config,
            files,
            tensors,
            text,
            warnings,
        })
    }
}

fn read(path: &Path) -> Result<String, ImportError> {
    let bytes = std::fs::read(path).map_err(ImportError::reading(path))?;
    String::from_utf8(bytes).map_err(|_| {
        ImportError::damaged(path, "not UTF-8 text; is the download complete?".to_owned())
    })
}

/// A JSON file.
fn json<T: DeserializeOwned>(path: &Path) -> Result<T, ImportError> {
    serde_json::from_str(&read(path)?).map_err(|e| {
        let reason = format!("not the JSON that is expected here ({e}); is the download complete?");
        ImportError::damaged(path, reason)
    })
}

/// A JSON file that need not be there.
fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ImportError> {
    if path.exists() {
        json(path).map(Some)
    } else {
        Ok(None)
    }
}

/// One token, or several.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(untagged)]
pub enum Ids {
    /// One.
    One(u32),
    /// Several.
    Many(Vec<u32>),
}

impl Ids {
    /// All of them.
    fn list(&self) -> Vec<u32> {
        match self {
            Ids::One(id) => vec![*id],
            Ids::Many(ids) => ids.clone(),
        }
    }
}
