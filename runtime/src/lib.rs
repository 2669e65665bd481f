//! What a device runtime needs beside the compiled models: loading them, cores to run them on, the rules of acceptance, and how
//! long to draft.
//!
//! * [`manifest`] says what a compiled bundle holds; `spec-compile` writes it. [`bundle`] loads one and calls its functions.
//! * [`pool`] lends cores to compiled code; [`memory`] holds weights and workspaces; [`cpu`] tells what the processor can do.
//! * [`model`] is a bundle with its weights, ready to run on a CPU or a GPU.
//! * [`accept`] decides which drafts stand, by the same arithmetic as the `spec` dialect's rounds; [`draft_length`] chooses how
//!   many drafts to make.
//! * [`generate`] runs rounds of a drafter and a target, which are [`forward`] models, and [`sampling`] chooses their tokens;
//!   [`stats`] is what it measures. `toy` (a feature, for tests) has models made of a hash.
//! * [`schedule`] says what a GPU does for one call of a model; `vulkan` (a feature, on by default) does it.
//!
//! Nothing here knows MLIR. The one state of the process is the list of features that [`cpu`] remembers.

pub mod accept;
pub mod bundle;
pub mod cpu;
pub mod draft_length;
mod ffi;
pub mod forward;
pub mod generate;
pub mod manifest;
pub mod memory;
pub mod model;
pub mod pool;
pub mod quantize;
pub mod sampling;
pub mod schedule;
pub mod stats;
pub mod text;
#[cfg(any(test, feature = "toy"))]
pub mod toy;
#[cfg(feature = "vulkan")]
pub mod vulkan;

/// The C header of compiled models (docs/abi.md).
pub const ABI_HEADER: &str = include_str!("../include/spec_abi.h");

/// The binary interface of compiled models, for those who call them without [`bundle`].
pub mod abi {
    pub use crate::ffi::{SpecFunction, SpecPool, SpecTask};
}

#[cfg(test)]
mod tests {
    use crate::abi::SpecPool;
    use std::mem::offset_of;

    /// The declarations, without the guards around them, are also in the documentation.
    #[test]
    fn the_documentation_has_the_header() {
        let header = crate::ABI_HEADER;
        let from = header.find("/* Computes").expect("the first declaration");
        let to = header
            .rfind("\n#ifdef __cplusplus")
            .expect("the last guard");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/abi.md");
        let page = std::fs::read_to_string(path).expect("docs/abi.md is there");
        let declarations = header[from..to].trim_end();
        assert!(
            page.contains(&format!("```c\n{declarations}\n```")),
            "copy the declarations of runtime/include/spec_abi.h to docs/abi.md:\n{declarations}"
        );
    }

    /// As a C compiler lays out two pointers.
    #[test]
    fn the_pool_has_the_layout_of_c() {
        let pointer = size_of::<usize>();
        assert_eq!(size_of::<SpecPool>(), 2 * pointer);
        assert_eq!(
            (offset_of!(SpecPool, context), offset_of!(SpecPool, run)),
            (0, pointer)
        );
    }
}
