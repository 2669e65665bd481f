//! Runs a [`Schedule`] on a GPU through Vulkan 1.3.
//!
//! ```text
//! Gpu::open -> Gpu::buffer (one per argument) ; Program::new (pipelines, workspace, constants)
//!              Program::bind(buffers) -> Recorded: ONE command buffer, submitted by every Recorded::run
//! ```
//!
//! Nothing is recorded again between two runs: a call's tokens and positions are arguments, written through the mapped buffers.
//! Buffers are memory that both the host and the device see, which costs nothing where they share their memory, as on SoCs. On a
//! card with memory of its own, buffers lie there as long as the host can see that memory, and in the host's memory after that: right,
//! but slow.
//!
//! libvulkan is loaded when a [`Gpu`] is opened; a machine without it gets an error, not a program that does not start.

mod device;
mod error;
mod memory;
mod module;
mod program;

use crate::schedule::Schedule;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use device::{Features, Kind, Log, Properties, SubgroupFeatures};
pub use error::VulkanError;
pub use memory::{Buffer, Bytes, BytesMut};
pub use program::{Program, Recorded, Status};

/// How to open a GPU.
#[derive(Clone, Debug)]
pub struct Options {
    /// Part of the device's name, in upper or lower case. None: the best one, a GPU if there is one.
    pub device: Option<String>,
    /// Whether the validation layer watches, with validation of synchronisation; see [`Gpu::messages`]. Slow.
    pub validation: bool,
    /// How long [`Recorded::run`] waits for the GPU.
    pub timeout: Duration,
    /// Path of the Vulkan loader. None: the system's.
    pub library: Option<PathBuf>,
}

impl Default for Options {
    /// The best device, no validation, two minutes, the system's loader.
    fn default() -> Self {
        Self {
            device: None,
            validation: false,
            timeout: Duration::from_secs(120),
            library: None,
        }
    }
}

/// A GPU that is open.
#[derive(Clone)]
pub struct Gpu {
    device: Arc<device::Device>,
    timeout: Duration,
}

impl Gpu {
    /// Opens a GPU, with the features that kernels may use, as far as it has them.
    ///
    /// # Errors
    /// There is no loader, no driver, no device of this name, no validation layer when it is asked for; or the device lacks
    /// Vulkan 1.3 or a queue for compute.
    pub fn open(options: &Options) -> Result<Self, VulkanError> {
        let device = device::open(
            options.library.as_deref(),
            options.device.as_deref(),
            options.validation,
        )?;
        Ok(Self {
            device: Arc::new(device),
            timeout: options.timeout,
        })
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.properties().name
    }

    /// What the device is and can do.
    pub fn properties(&self) -> &Properties {
        self.device.properties()
    }

    /// A buffer of `bytes` bytes, zero at first.
    ///
    /// # Errors
    /// There is no room.
    pub fn buffer(&self, bytes: u64) -> Result<Buffer, VulkanError> {
        Buffer::new(&self.device, bytes)
    }

    /// Makes pipelines of the kernels that `schedule` names in the module `spirv`; see [`Program::new`].
    ///
    /// # Errors
    /// As [`Program::new`].
    pub fn program(
        &self,
        spirv: &[u8],
        schedule: &Schedule,
        constants: &[u8],
    ) -> Result<Program, VulkanError> {
        Program::new(self, spirv, schedule, constants)
    }

    /// What the validation layer said since the last call. Always empty without validation.
    pub fn messages(&self) -> Vec<String> {
        self.log().take()
    }

    /// The place where the validation layer's messages go. It outlives the Gpu, so that messages about its end can be read.
    pub fn log(&self) -> Log {
        self.device.log()
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("name", &self.name()).finish()
    }
}

#[cfg(test)]
mod tests;
