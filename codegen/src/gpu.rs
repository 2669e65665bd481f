//! GPU code: kernels as text to a SPIR-V module that Vulkan 1.3 takes.

mod assemble;
mod ffi;
mod names;
pub mod pipeline;
mod requirements;
mod schedule;

pub use assemble::{assemble, assemble_with, listing, lower, lower_and_serialize, parse, register};
pub use names::with_names;
pub use requirements::{Requirements, requirements};
pub use schedule::{ALIGNMENT, Buffer, EntryPoint, Launch, Schedule, Span, schedule};

use crate::ffi::Message;
use spec_dialect::ffi::{Op, Severity};

/// What a SPIR-V module tells debuggers and validation layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of kernels and buffers (OpName).
    pub symbols: bool,
    /// Places in the kernels' text (OpLine), see [`listing`].
    pub lines: bool,
}

/// Why there is no SPIR-V module.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// A kernel cannot be lowered for the device; what MLIR says, with places in the kernel's text.
    #[error("{what}: {}", first(.messages))]
    Refused {
        /// What was tried.
        what: String,
        /// Why not.
        messages: Vec<Message>,
    },
    /// There is not exactly one `spirv.module`.
    #[error("internal error: {0} SPIR-V modules where one is expected")]
    Modules(usize),
    /// The bytes are not a whole number of words.
    #[error("no SPIR-V: {0} bytes are no whole number of words")]
    Bytes(usize),
    /// SPIRV-Tools refuses the module: our bug, or a damaged file.
    #[error("no valid SPIR-V for Vulkan 1.3: {0}")]
    Invalid(String),
}

fn first(messages: &[Message]) -> String {
    let error = (messages.iter()).find(|m| m.severity == Severity::Error);
    match error.or(messages.first()) {
        Some(m) => format!("{}: {}", m.location, m.text),
        None => "no reason is given".into(),
    }
}

/// The `spirv.module` in `module` (or `module` itself) as bytes, words in little-endian order.
///
/// # Errors
/// There is not exactly one, or it cannot be serialized; the context's diagnostics say why.
pub fn serialize(module: Op, names: Names) -> Result<Vec<u8>, GpuError> {
    let found: Vec<Op> = (module.nested().into_iter())
        .filter(|o| o.name() == "spirv.module")
        .collect();
    let [spirv] = found[..] else {
        return Err(GpuError::Modules(found.len()));
    };
    let words = ffi::serialize(spirv, names.symbols, names.lines);
    words.ok_or_else(|| GpuError::Refused {
        what: "the SPIR-V module cannot be serialized".into(),
        messages: vec![],
    })
}

/// Whether a module obeys the rules of SPIR-V under Vulkan 1.3.
///
/// # Errors
/// [`GpuError::Bytes`], or [`GpuError::Invalid`] with the validator's first complaint.
pub fn validate(bytes: &[u8]) -> Result<(), GpuError> {
    ffi::validate(&words(bytes)?).map_err(GpuError::Invalid)
}

/// Assembly text of a module.
///
/// # Errors
/// [`GpuError::Bytes`], or [`GpuError::Invalid`] where the bytes are no instructions.
pub fn disassemble(bytes: &[u8]) -> Result<String, GpuError> {
    ffi::disassemble(&words(bytes)?).map_err(GpuError::Invalid)
}

fn words(bytes: &[u8]) -> Result<Vec<u32>, GpuError> {
    if bytes.is_empty() || !bytes.len().is_multiple_of(4) {
        return Err(GpuError::Bytes(bytes.len()));
    }
    let (words, _) = bytes.as_chunks::<4>();
    Ok(words.iter().map(|w| u32::from_le_bytes(*w)).collect())
}
