//! Why nothing was compiled.

use spec_codegen::emit::EmitError;
use spec_codegen::gpu::GpuError;
use spec_cost::CostError;
use spec_runtime::cpu::CpuError;
use spec_runtime::manifest::ManifestError;
use spec_runtime::vulkan::VulkanError;
use std::io;
use std::path::{Path, PathBuf};

/// Why nothing was compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What the user asked for is not possible; the text says what is.
    #[error("{0}")]
    Refused(String),
    /// MLIR or a pass rejected the input; diagnostics were shown.
    #[error("{0}")]
    Rejected(String),
    /// The device file.
    #[error(transparent)]
    Soc(#[from] CostError),
    /// This machine's features.
    #[error(transparent)]
    Cpu(#[from] CpuError),
    /// LLVM.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// This machine's GPU.
    #[error(transparent)]
    Vulkan(#[from] VulkanError),
    /// Our fault: a kernel that is no kernel for the device.
    #[error("internal error: {0}; please report it with the input")]
    Gpu(#[from] GpuError),
    /// No linker.
    #[error(
        "no linker: install clang-22 and lld-22 (found none of {0}), or leave out model.so with --no-link"
    )]
    NoLinker(String),
    /// The linker failed.
    #[error("{program} cannot link {what}: {output}{advice}")]
    Linker {
        /// What was run.
        program: String,
        /// What it should make.
        what: String,
        /// What it said.
        output: String,
        /// What to do.
        advice: String,
    },
    /// Our fault.
    #[error("internal error: {0}; please report it with the input")]
    Internal(String),
    /// Our fault: the manifest contradicts itself.
    #[error("internal error: {0}; please report it with the input")]
    Manifest(#[from] ManifestError),
}

impl CompileError {
    /// A closure for `map_err` on reading `path`.
    pub fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// A closure for `map_err` on writing `path`.
    pub fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Internal(_)
            | Self::Manifest(_)
            | Self::Gpu(_)
            | Self::Emit(EmitError::Translation | EmitError::Llvm(_)) => 3,
            _ => 1,
        }
    }
}
