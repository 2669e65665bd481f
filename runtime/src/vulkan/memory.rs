//! Buffers: those that the host and the device see, and those of the device alone.

#[path = "memory/allocation/ffi.rs"]
mod allocation;
#[path = "memory/arena/ffi.rs"]
mod arena;
mod ffi;
mod types;

use super::device::Device;
use super::{Gpu, VulkanError, transfer};
use crate::memory::Weights;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use ffi::{Bytes, BytesMut};
pub(super) use ffi::{Lock, Raw};
pub(super) use types::Purpose;

/// Memory that kernels and this program read and write: mapped all the time.
///
/// Its bytes are lent to one side at a time: a run that would use it while [`Buffer::as_slice`] or [`Buffer::as_mut_slice`] lends them
/// to the program fails with [`VulkanError::Busy`], and those wait for a run on another thread. Dropping it while a
/// [`Recorded`](super::Recorded) uses it is fine: the memory goes with the last user.
pub struct Buffer {
    pub(super) raw: Arc<Raw>,
}

impl Buffer {
    pub(super) fn new(
        device: &Arc<Device>,
        bytes: u64,
        purpose: Purpose,
    ) -> Result<Self, VulkanError> {
        let raw = Arc::new(Raw::new(device, bytes, purpose)?);
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

/// Memory that kernels use and this program does not look at: the fastest that the device has, whether the host sees it or not.
/// As with a [`Buffer`], the memory goes with the last user.
pub struct DeviceBuffer {
    pub(super) raw: Arc<Raw>,
    imported: bool,
}

impl DeviceBuffer {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.raw.len() as u64
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.raw.len() == 0
    }

    /// Whether it is the host's memory, used in place. Kernels must not write to it.
    pub fn is_imported(&self) -> bool {
        self.imported
    }

    /// Whether the host sees its memory. If not, bytes went there by way of another buffer.
    pub fn is_mapped(&self) -> bool {
        self.raw.is_mapped()
    }
}

impl fmt::Debug for DeviceBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceBuffer")
            .field("bytes", &self.len())
            .field("imported", &self.imported)
            .finish()
    }
}

impl Gpu {
    /// A buffer of `bytes` bytes that the host writes, zero at first.
    ///
    /// # Errors
    /// There is no room.
    pub fn buffer(&self, bytes: u64) -> Result<Buffer, VulkanError> {
        Buffer::new(&self.device, bytes, Purpose::Inputs)
    }

    /// A buffer of `bytes` bytes that the host reads, in memory that it reads fast; zero at first.
    ///
    /// # Errors
    /// There is no room.
    pub fn output_buffer(&self, bytes: u64) -> Result<Buffer, VulkanError> {
        Buffer::new(&self.device, bytes, Purpose::Outputs)
    }

    /// Buffers for kernels alone, one for each length in bytes, zero at first.
    ///
    /// # Errors
    /// There is no room; the device is lost or hangs.
    pub fn device_buffers(&self, lengths: &[u64]) -> Result<Vec<DeviceBuffer>, VulkanError> {
        let made = self.many(lengths)?;
        transfer::clear(self, &made)?;
        Ok(made.into_iter().map(DeviceBuffer::of).collect())
    }

    /// Buffers for kernels alone with copies of these bytes.
    ///
    /// # Errors
    /// As [`Gpu::device_buffers`].
    pub fn upload(&self, contents: &[&[u8]]) -> Result<Vec<DeviceBuffer>, VulkanError> {
        let lengths: Vec<u64> = contents.iter().map(|c| c.len() as u64).collect();
        let made = self.many(&lengths)?;
        let pairs: Vec<_> = made.iter().zip(contents.iter().copied()).collect();
        transfer::upload(self, &pairs)?;
        Ok(made.into_iter().map(DeviceBuffer::of).collect())
    }

    /// Buffers with these ranges of weights, for kernels that only read them. `import`: in place, without a copy, if the device shares
    /// the host's memory and takes it; the buffers then keep the weights.
    ///
    /// # Errors
    /// As [`Gpu::device_buffers`]; a range that is not in the weights is as one that there is no room for.
    pub fn weights(
        &self,
        weights: &Arc<Weights>,
        ranges: &[Range<usize>],
        import: bool,
    ) -> Result<Vec<DeviceBuffer>, VulkanError> {
        let parts = ranges.iter().map(|r| weights.bytes().get(r.clone()));
        let parts: Option<Vec<&[u8]>> = parts.collect();
        let parts = parts.ok_or_else(|| VulkanError::Memory {
            bytes: ranges.iter().map(|r| r.end as u64).max().unwrap_or(0),
            device: self.name().to_owned(),
            reason: "there are fewer bytes of weights".to_owned(),
        })?;
        let import = import && !self.staging && !ranges.is_empty();
        if let Some(made) = import
            .then(|| arena::import(&self.device, weights, ranges))
            .flatten()
        {
            let one = |raw| DeviceBuffer {
                raw: Arc::new(raw),
                imported: true,
            };
            return Ok(made.into_iter().map(one).collect());
        }
        self.upload(&parts)
    }

    /// The bytes of a buffer for kernels. Waits for runs that use it.
    ///
    /// # Errors
    /// The buffer is of another Gpu; there is no room for a copy; the device is lost or hangs.
    pub fn download(&self, buffer: &DeviceBuffer) -> Result<Vec<u8>, VulkanError> {
        if Arc::ptr_eq(buffer.raw.device(), &self.device) {
            transfer::download(self, &buffer.raw)
        } else {
            Err(VulkanError::Foreign(0))
        }
    }

    fn many(&self, lengths: &[u64]) -> Result<Vec<Arc<Raw>>, VulkanError> {
        let made = arena::buffers(&self.device, lengths, self.hidden())?;
        Ok(made.into_iter().map(Arc::new).collect())
    }

    /// Memory for kernels alone.
    pub(super) fn hidden(&self) -> Purpose {
        Purpose::Kernels {
            staging: self.staging,
        }
    }
}

impl DeviceBuffer {
    fn of(raw: Arc<Raw>) -> Self {
        Self {
            raw,
            imported: false,
        }
    }
}
