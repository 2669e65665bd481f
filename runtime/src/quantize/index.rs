//! Where each weight lies in the file that `spec-weights` writes: `weights.json` beside `weights.bin`.

use crate::manifest::DType;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The version of the index that this crate writes and reads.
pub const INDEX_VERSION: u32 = 1;

/// Weights of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightIndex {
    /// Version of this format: 1.
    pub format_version: u32,
    /// File name, in the folder of the index.
    pub file: String,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// CRC-32 (IEEE 802.3) of the file. It finds accidents, not malice.
    pub crc32: u32,
    /// By offset.
    pub weights: Vec<StoredWeight>,
}

/// A weight in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredWeight {
    /// Its name in the manifest.
    pub name: String,
    /// Type of an element.
    pub dtype: DType,
    /// Sizes, outermost first; contiguous, little-endian.
    pub shape: Vec<u64>,
    /// First byte; a multiple of [`WeightIndex::ALIGNMENT`].
    pub offset: u64,
    /// Length in bytes.
    pub bytes: u64,
}

/// What is wrong with an index.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Not JSON, or not an index.
    #[error("weights.json is not an index of weights: {0}; run spec-weights again")]
    Syntax(#[from] serde_json::Error),
    /// It contradicts itself.
    #[error("weights.json: {0}; it is damaged or of another version: run spec-weights again")]
    Contradiction(String),
}

impl WeightIndex {
    /// Alignment of each weight in the file, in bytes.
    pub const ALIGNMENT: u64 = 64;

    /// Reads an index and checks it.
    ///
    /// # Errors
    /// It is not JSON, of another version, lacks or has unknown fields, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, IndexError> {
        let index: Self = serde_json::from_str(text)?;
        index.check()?;
        Ok(index)
    }

    /// Writes it as JSON, indented.
    ///
    /// # Errors
    /// It contradicts itself.
    pub fn to_json(&self) -> Result<String, IndexError> {
        self.check()?;
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// The weight with this name.
    pub fn get(&self, name: &str) -> Option<&StoredWeight> {
        self.weights.iter().find(|w| w.name == name)
    }

    fn check(&self) -> Result<(), IndexError> {
        let wrong = |text: String| Err(IndexError::Contradiction(text));
        if self.format_version != INDEX_VERSION {
            return wrong(format!(
                "format_version is {}, this program reads {INDEX_VERSION}",
                self.format_version
            ));
        }
        let file = &self.file;
        if file.is_empty() || file == "." || file == ".." || file.contains(['/', '\0']) {
            return wrong(format!("{file:?} is not a file name"));
        }
        let mut names = HashSet::new();
        let mut end = 0;
        for weight in &self.weights {
            let name = &weight.name;
            let mut sizes = weight.shape.iter().copied();
            let element = weight.dtype.bytes() as u64;
            if sizes.try_fold(element, u64::checked_mul) != Some(weight.bytes) {
                return wrong(format!("{name:?}: shape and length disagree"));
            }
            if !weight.offset.is_multiple_of(Self::ALIGNMENT) || weight.offset < end {
                return wrong(format!("{name:?}: offset {} is not free", weight.offset));
            }
            match weight.offset.checked_add(weight.bytes) {
                Some(e) if e <= self.bytes => end = e,
                _ => return wrong(format!("{name:?} ends behind the file")),
            }
            if !names.insert(name) {
                return wrong(format!("{name:?} is there twice"));
            }
        }
        Ok(())
    }
}
