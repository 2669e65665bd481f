//! A device file for the machine that this program runs on: what can be read and measured, the rest as guesses that say so.

mod cluster;
mod ffi;
mod file;
#[cfg(test)]
mod tests;

mod flops;
mod gpu;
mod kernels;
mod stream;

pub use cluster::{Cluster, clusters};
pub use file::{Gathered, GpuFigures, to_toml};
pub use flops::Peak;
pub use stream::{CpuFigures, StreamError};

use spec_runtime::vulkan::Options;
use std::path::Path;

/// What to look at.
#[derive(Clone, Debug)]
pub struct DeviceOptions {
    /// Name in the file: lower-case letters, digits, `-`, `_`.
    pub name: String,
    /// Seconds for each measurement, about.
    pub seconds: f64,
    /// Bytes that CPU cores stream; `None`: beyond their caches.
    pub buffer: Option<usize>,
    /// The GPU to look at; `None`: leave GPUs out.
    pub gpu: Option<Options>,
}

/// What goes wrong while a device file is made.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Not a name of a device file.
    #[error("{0:?} is no name of a device: use lower-case letters, digits, '-' and '_'")]
    Name(String),
    /// The system does not tell its cores.
    #[error(
        "cannot read the processor's cores from {0}: this needs Linux with /sys; write the device file by hand (CONTRIBUTING.md)"
    )]
    Cores(String),
    /// The system does not tell its memory.
    #[error("cannot read MemTotal and MemAvailable from {0}")]
    Memory(String),
    /// A measurement fails.
    #[error(transparent)]
    Stream(#[from] StreamError),
}

/// Reads and measures this machine. `say` is told what is done, and what is left out and why.
///
/// # Errors
/// [`DeviceError`]. A GPU that cannot be used is no error: it is left out, and `say` is told why.
pub fn gather(options: &DeviceOptions, say: &mut dyn FnMut(&str)) -> Result<Gathered, DeviceError> {
    let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if options.name.is_empty() || !options.name.chars().all(ok) {
        return Err(DeviceError::Name(options.name.clone()));
    }
    let root = Path::new("/");
    let found = clusters(root)?;
    let memory = cluster::memory(root)?;
    let beyond = stream::buffer_bytes(&found, memory.available);
    let buffer = options.buffer.unwrap_or(beyond).max(1 << 16);
    let mut cpus = vec![];
    for cluster in found {
        say(&format!("{}: {}", cluster.name, cluster.description()));
        let figures = stream::measure(&cluster, buffer, options.seconds)?;
        cpus.push((cluster, figures));
    }
    let all = stream::everything(&cpus, buffer, options.seconds)?;
    let gpu = options.gpu.as_ref().and_then(|o| {
        say("gpu: opening");
        match gpu::measure(o, options.seconds) {
            Ok(figures) => {
                say(&format!("gpu: {}", figures.properties.name));
                Some(figures)
            }
            Err(e) => {
                say(&format!("no GPU in the file: {e}"));
                None
            }
        }
    });
    Ok(Gathered {
        name: options.name.clone(),
        conditions: crate::conditions::Conditions::now(),
        memory,
        cpus,
        all_cores_bandwidth: all,
        gpu,
    })
}
