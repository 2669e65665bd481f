//! Buffers that the host and the device see.

mod ffi;

use super::VulkanError;
use super::device::Device;
use std::fmt;
use std::sync::Arc;

pub use ffi::{Bytes, BytesMut};
pub(super) use ffi::{Lock, Raw};

/// Memory that kernels and this program read and write: mapped all the time, coherent (nothing to flush).
///
/// Its bytes are lent to one side at a time: a run that would use it while [`Buffer::as_slice`] or [`Buffer::as_mut_slice`] lends them
/// to the program fails with [`VulkanError::Busy`], and those wait for a run on another thread. Dropping it while a
/// [`Recorded`](super::Recorded) uses it is fine: the memory goes with the last user.
pub struct Buffer {
    pub(super) raw: Arc<Raw>,
}

impl Buffer {
    pub(super) fn new(device: &Arc<Device>, bytes: u64) -> Result<Self, VulkanError> {
        let raw = Arc::new(Raw::new(device, bytes)?);
        Ok(Self { raw })
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.raw.len() as u64
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.raw.len() == 0
    }

    /// Its bytes. Waits for a run that uses them.
    pub fn as_slice(&self) -> Bytes<'_> {
        self.raw.read()
    }

    /// Its bytes, to write. Waits for a run that uses them.
    pub fn as_mut_slice(&mut self) -> BytesMut<'_> {
        self.raw.write()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("bytes", &self.len())
            .finish()
    }
}
