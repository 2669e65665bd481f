//! What goes wrong when a bundle is loaded or called.

use super::ElfError;
use crate::cpu::{CpuError, TilesError};
use crate::manifest::ManifestError;
use std::path::PathBuf;

/// Why a bundle cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: {source}; a bundle is the folder that spec-compile wrote, with manifest.json and the files that it names", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The manifest is wrong.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// A file is not the one that the manifest describes.
    #[error(
        "{} has {found_bytes} bytes and CRC-32 {found_crc32:08x}, the manifest says {bytes} and {crc32:08x}: it is truncated or of another compilation; copy the whole bundle again",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its length.
        found_bytes: u64,
        /// Its checksum.
        found_crc32: u32,
        /// Length in the manifest.
        bytes: u64,
        /// Checksum in the manifest.
        crc32: u32,
    },
    /// The library is not a shared library of this machine.
    #[error("{}: {source}", path.display())]
    Elf {
        /// The library.
        path: PathBuf,
        /// What is wrong.
        source: ElfError,
    },
    /// The manifest's triple is not this machine's.
    #[error(
        "the bundle is for {triple}, this machine is {arch}-{os}: compile the model for this machine"
    )]
    Triple {
        /// The bundle's.
        triple: String,
        /// This machine's.
        arch: &'static str,
        /// This machine's.
        os: &'static str,
    },
    /// The code uses a feature that this processor lacks.
    #[error("the bundle uses {feature}, which this processor {why}: compile the model without it")]
    Feature {
        /// LLVM's name.
        feature: String,
        /// `lacks` or why it does not work.
        why: String,
    },
    /// Features cannot be tested.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// The code uses tile registers, which the system does not give.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The loader refuses the library.
    #[error("cannot load {}: {reason}; this is a fault of spec-compile, or a library that it needs is missing", path.display())]
    Load {
        /// The library.
        path: PathBuf,
        /// The loader's reason.
        reason: String,
    },
    /// The library lacks a function of the manifest.
    #[error("{} has no symbol {symbol} of function {function}: library and manifest are of two compilations; copy the whole bundle again", path.display())]
    Symbol {
        /// The library.
        path: PathBuf,
        /// The symbol.
        symbol: String,
        /// The function.
        function: String,
    },
    /// Asked for a function that is not there.
    #[error("the bundle has no function {name:?} for a {place}; it has {known}")]
    NoFunction {
        /// The name asked for.
        name: String,
        /// `CPU` or `GPU`.
        place: &'static str,
        /// All names.
        known: String,
    },
}

/// Why a call fails. Except for the last three, nothing was computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Not as many buffers as pointers.
    #[error(
        "{function} takes {expected} buffers (arguments, then results of their own), not {found}"
    )]
    Count {
        /// The function.
        function: String,
        /// Pointers it takes.
        expected: usize,
        /// Buffers given.
        found: usize,
    },
    /// A buffer of another length.
    #[error("{function}: {slot} has {expected} bytes, the buffer has {found}")]
    Length {
        /// The function.
        function: String,
        /// Which argument or result.
        slot: String,
        /// Bytes in the manifest.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// A buffer that is not aligned to its elements.
    #[error("{function}: the buffer of {slot} must start at a multiple of {expected} bytes")]
    Alignment {
        /// The function.
        function: String,
        /// Which argument or result.
        slot: String,
        /// Bytes of an element.
        expected: usize,
    },
    /// A buffer that is written is given for reading only.
    #[error("{function} writes to {slot}: give Buffer::Write")]
    ReadOnly {
        /// The function.
        function: String,
        /// Which argument or result.
        slot: String,
    },
    /// A workspace that is too small.
    #[error(
        "{function} needs a workspace of {expected} bytes, not {found}: make it with Workspace::new for all functions called with it"
    )]
    Workspace {
        /// The function.
        function: String,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// Status 1. Results are those of token 0 in its place.
    #[error("{function}: a token id is outside of the vocabulary; the tokens given are wrong")]
    BadToken {
        /// The function.
        function: String,
    },
    /// Status 2.
    #[error(
        "{function}: an assertion of the model failed; arguments are outside of what the model takes, such as a position beyond its cache"
    )]
    Assertion {
        /// The function.
        function: String,
    },
    /// Any other status.
    #[error(
        "{function} returned status {status}, which this version does not know: this is a fault of spec-compile"
    )]
    Status {
        /// The function.
        function: String,
        /// The status.
        status: i32,
    },
}
