//! GGUF files, as llama.cpp writes them: a header with metadata and tensors' places, then the tensors.
//!
//! Names, order of sizes and order of rows become those of Hugging Face's checkpoints; quantised tensors become floats.

mod config;
mod ffi;
mod header;
mod names;
mod rope;
#[cfg(test)]
pub(crate) mod tests;
mod types;
mod value;
mod write;

use crate::error::ImportError;
use crate::source::{Config, TensorInfo, Text};
use crate::tokenizer;
use header::{Header, Stored};
use memmap2::Mmap;
use std::fs::File;
use std::path::{Path, PathBuf};
pub(crate) use value::Metadata;

/// An open GGUF file: mapped, its header read and checked. The file must not change meanwhile.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    map: Mmap,
    header: Header,
}

impl Gguf {
    /// Opens a file of version 2 or 3 and reads its header.
    ///
    /// # Errors
    /// [`ImportError::Read`]; [`ImportError::Damaged`] for other files and for truncated ones; [`ImportError::Unsupported`] for
    /// other versions, for one part of a split model, and for tensors of types that cannot be read.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(ImportError::reading(path))?;
        let about = file.metadata().map_err(ImportError::reading(path))?;
        if !about.is_file() {
            return Err(ImportError::damaged(path, "not a file"));
        }
        if about.len() == 0 {
            return Err(ImportError::damaged(
                path,
                "the file is empty; get it again",
            ));
        }
        let map = ffi::map(&file).map_err(ImportError::reading(path))?;
        let header = header::read(path, &map)?;
        let path = path.to_owned();
        Ok(Self { path, map, header })
    }

    /// The model's sizes and constants.
    ///
    /// # Errors
    /// [`ImportError::Damaged`] if metadata are missing or wrong; [`ImportError::Unsupported`] for other architectures, mixtures
    /// of experts, layers that differ, and scalings of rotary frequencies without an exact counterpart.
    pub fn config(&self) -> Result<Config, ImportError> {
        config::read(self)
    }

    /// Its tensors, under Hugging Face's names, in the file's order.
    ///
    /// # Errors
    /// [`ImportError::Unsupported`] if a tensor is none of the architecture's; else as [`Gguf::config`].
    pub fn tensors(&self) -> Result<Vec<TensorInfo>, ImportError> {
        let named = names::all(self, &self.config()?)?;
        let info = |t: &names::Named<'_>| TensorInfo {
            name: t.name.clone(),
            shape: t.stored.dims.iter().rev().map(|d| *d as u64).collect(),
            dtype: t.stored.type_name.clone(),
        };
        Ok(named.iter().map(info).collect())
    }

    /// Writes all tensors to a safetensors file, which appears whole or not at all: F32 and BF16 as they are, all others as F16,
    /// queries' and keys' rows in Hugging Face's order. Holds a few MiB at a time. `progress` gets (bytes done, bytes in all).
    ///
    /// # Errors
    /// [`ImportError::Write`]; [`ImportError::Unsupported`] if a value does not fit into 16 bits; else as [`Gguf::tensors`].
    pub fn write_safetensors(
        &self,
        path: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), ImportError> {
        write::write(self, path, progress)
    }

    /// Its tokenizer, as a `tokenizer.json`, with the tokens that begin and end texts. A file without a tokenizer gives none.
    ///
    /// # Errors
    /// [`ImportError::Unsupported`] for tokenizers of kinds that are not known; [`ImportError::Damaged`] if metadata are
    /// missing or contradict each other.
    pub fn text(&self) -> Result<Text, ImportError> {
        tokenizer::text(&self.metadata())
    }

    fn metadata(&self) -> Metadata<'_> {
        let (path, bytes, header) = (&*self.path, &*self.map, &self.header);
        Metadata {
            path,
            bytes,
            header,
        }
    }

    fn stored(&self, name: &str) -> Option<&Stored> {
        self.header.tensors.iter().find(|t| t.name == name)
    }

    /// The stored bytes of a tensor.
    fn raw(&self, tensor: &Stored) -> &[u8] {
        self.map.get(tensor.bytes.clone()).unwrap_or_default()
    }
}
