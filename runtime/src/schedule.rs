//! What a GPU does for one call of a model: which kernels run, in which order, on which bytes of which buffers.
//!
//! A schedule is data: `spec-compile` writes it beside a SPIR-V module that holds the kernels, the module `vulkan` of this crate
//! records it into one command buffer. Its buffers are the arguments of the function, one workspace and one block of constants.
//! The first [`STATUS_BYTES`] bytes of the workspace are the status of the call: 0, or why it failed (`vulkan::Status`).
//!
//! Dispatches may run at the same time unless a barrier lies between them: [`Schedule::hazards`] lists those that must not, and
//! [`Schedule::place_barriers`] puts as few barriers as keep them apart.

mod check;
mod hazards;

use serde::{Deserialize, Serialize};

pub use check::ScheduleError;
pub use hazards::Hazard;

/// Alignment of a span's offset in bytes: the most that a Vulkan device may ask for.
pub const OFFSET_ALIGNMENT: u64 = 256;

/// Most words of push constants that a kernel may take: 128 bytes, which every Vulkan device has.
pub const MAX_PUSH_WORDS: u32 = 32;

/// Bytes of the status of a call, at the start of the workspace.
pub const STATUS_BYTES: u64 = 4;

/// The dispatches of one call of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Bytes of the workspace, the status at its start included.
    pub workspace_bytes: u64,
    /// Bytes of the constants: data that the compiler made, the same in every call.
    pub constants_bytes: u64,
    /// The entry points of the module that are used.
    pub kernels: Vec<KernelInfo>,
    /// In the order in which they start.
    pub dispatches: Vec<Dispatch>,
}

/// An entry point of the SPIR-V module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KernelInfo {
    /// Its name.
    pub entry: String,
    /// Storage buffers that it takes: bindings 0 to `bindings` - 1 of descriptor set 0.
    pub bindings: u32,
    /// 32-bit words of push constants that it takes, at most [`MAX_PUSH_WORDS`].
    pub push_words: u32,
    /// Invocations of a workgroup along x, y, z, as in the module.
    pub workgroup: [u32; 3],
}

/// One start of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Index of the kernel in `kernels` of the schedule.
    pub kernel: u32,
    /// Workgroups along x, y, z.
    pub groups: [u32; 3],
    /// Whether it waits for all dispatches before it and sees what they wrote. Never for the first: it sees what the host wrote.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub barrier: bool,
    /// What each binding of the kernel is.
    pub spans: Vec<Span>,
    /// The push constants.
    pub push: Vec<u32>,
}

/// A part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The buffer.
    pub buffer: Buffer,
    /// Its first byte, a multiple of [`OFFSET_ALIGNMENT`].
    pub offset: u64,
    /// Its length in bytes, not 0.
    pub bytes: u64,
    /// What the kernel does with it.
    pub access: Access,
}

/// A buffer of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Buffer {
    /// The argument of this index.
    Argument(u32),
    /// The workspace.
    Workspace,
    /// The constants.
    Constants,
}

/// What a kernel does with a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It only reads.
    Read,
    /// It only writes.
    Write,
    /// It does both.
    ReadWrite,
}

impl Access {
    /// Whether the kernel may write.
    pub const fn writes(self) -> bool {
        !matches!(self, Self::Read)
    }
}

impl Span {
    /// The first byte after it; saturates.
    pub const fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes)
    }
}

impl std::fmt::Display for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument(index) => write!(f, "argument {index}"),
            Self::Workspace => f.write_str("the workspace"),
            Self::Constants => f.write_str("the constants"),
        }
    }
}

impl Schedule {
    /// Reads a schedule and checks it.
    ///
    /// # Errors
    /// It is not JSON, lacks or has unknown fields, or contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, ScheduleError> {
        let schedule: Self = serde_json::from_str(text)?;
        schedule.check()?;
        Ok(schedule)
    }

    /// For each argument, up to the last one that a kernel touches: the bytes that it must have at least (0: no kernel touches
    /// it) and whether a kernel writes to it.
    pub fn arguments(&self) -> Vec<ArgumentUse> {
        let mut uses = vec![];
        for span in self.dispatches.iter().flat_map(|d| &d.spans) {
            let Buffer::Argument(index) = span.buffer else {
                continue;
            };
            let index = index as usize;
            if uses.len() <= index {
                uses.resize(index + 1, ArgumentUse::default());
            }
            uses[index].bytes = uses[index].bytes.max(span.end());
            uses[index].written |= span.access.writes();
        }
        uses
    }
}

/// How kernels use an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArgumentUse {
    /// Bytes that its buffer must have at least; 0: no kernel touches it.
    pub bytes: u64,
    /// Whether a kernel writes to it.
    pub written: bool,
}

#[cfg(test)]
mod tests;
