//! Runs a [`Schedule`] on a GPU through Vulkan 1.3.
//!
//! ```text
//! Gpu::open -> Gpu::buffer, Gpu::output_buffer   tokens, positions; logits
//!              Gpu::weights, Gpu::device_buffers  weights; caches
//!              Kernels::new -> Kernels::program   pipelines, constants; a workspace
//!              Program::bind(buffers) -> Recorded: ONE command buffer, submitted by every Recorded::run
//! ```
//!
//! Nothing is recorded again between two runs: a call's tokens and positions are arguments, written through the mapped buffers.
//!
//! # Memory
//! A [`Buffer`] is memory that both the host and the device see; what the host reads lies where it is cached. A [`DeviceBuffer`], and
//! workspaces and constants, are in the device's fastest memory. Where the host sees all of that, as on SoCs, it is filled in place;
//! else it is filled once, by way of another buffer. Weights are not even copied where the device takes the host's memory as it
//! is (`VK_EXT_external_memory_host`).
//!
//! libvulkan is loaded when a [`Gpu`] is opened; a machine without it gets an error, not a program that does not start.

mod device;
mod error;
mod memory;
mod module;
mod program;
mod transfer;

use crate::schedule::Schedule;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use device::{Features, Kind, Log, Properties, SubgroupFeatures};
pub use error::VulkanError;
pub use memory::{Buffer, Bytes, BytesMut, DeviceBuffer};
pub use program::{Kernels, Program, Recorded, Running, Slot, Status};

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
    staging: bool,
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
            staging: false,
        })
    }

    /// The same GPU, treated as if the host did not see the memory of kernels: weights, caches and workspaces are not mapped, and
    /// filled by way of other buffers. For tests of what cards with memory of their own need, on other devices.
    #[must_use]
    pub fn with_staging(mut self) -> Self {
        self.staging = true;
        self
    }

    /// The device's name.
    pub fn name(&self) -> &str {
        &self.properties().name
    }

    /// What the device is and can do.
    pub fn properties(&self) -> &Properties {
        self.device.properties()
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
