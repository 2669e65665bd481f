//! What goes wrong, whose fault it is, and what to do.

use spec_runtime::manifest::{DType, ManifestError};
use spec_runtime::memory::MemoryError;
use spec_runtime::quantize::{IndexError, QuantiseError};
use std::path::{Path, PathBuf};

/// Any error of this program.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
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
    /// Not a file to write.
    #[error("{} {problem}: give another name with -o, such as weights.bin", path.display())]
    Output {
        /// The name given.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The manifest is wrong.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// Not the folder of an imported model.
    #[error("{}: {problem}; --model takes a folder that spec-import wrote", path.display())]
    Model {
        /// The folder's import.json.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest asks for what cannot be.
    #[error("the manifest contradicts itself: {0}; compile the model again")]
    Contradiction(String),
    /// A file of names is wrong.
    #[error("{file}: {problem}")]
    Names {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// Not a safetensors file, or a part of one.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// No file has the tensor.
    #[error("no tensor {tensor:?} for {weight:?}; {hint}")]
    Missing {
        /// The name looked for.
        tensor: String,
        /// The weight's name in the manifest.
        weight: String,
        /// What there is.
        hint: String,
    },
    /// A tensor of another shape.
    #[error(
        "{tensor:?} is {found:?}, the model has {expected:?}: these are the weights of another model, or of another export"
    )]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its sizes.
        found: Vec<u64>,
        /// The model's.
        expected: Vec<u64>,
    },
    /// A tensor of another type.
    #[error("{tensor:?} holds {found}, which cannot become {expected:?}: convert it first")]
    Type {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
        /// The type needed.
        expected: DType,
    },
    /// Memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Quantisation.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The index: a fault of this program.
    #[error("internal error, please report it: {0}")]
    Index(#[from] IndexError),
}

impl WeightsError {
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
}
