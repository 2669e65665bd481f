//! Buffers with memory of a device.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, failed};
use super::allocation::{Allocation, Bare, full};
use super::types::{Purpose, choices};
use ash::vk;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
};

/// A buffer with its memory.
pub(in crate::vulkan) struct Raw {
    buffer: vk::Buffer,
    allocation: Arc<Allocation>,
    start: Option<NonNull<u8>>,
    len: usize,
    /// Who may touch the bytes: readers, or one writer. A run counts as one or the other.
    lock: RwLock<()>,
    /// Number of a submission that uses the bytes and was not waited for to the end.
    pending: AtomicU64,
}

// SAFETY: the handle may be used by any thread; the bytes behind `start` are only touched under `lock`.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

/// A run's hold on a buffer.
pub(in crate::vulkan) enum Lock<'a> {
    /// It reads.
    Read { _guard: RwLockReadGuard<'a, ()> },
    /// It writes.
    Write { _guard: RwLockWriteGuard<'a, ()> },
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: made with the device, which is alive; no run uses it, since runs keep what they use.
        unsafe { self.device().raw.destroy_buffer(self.buffer, None) };
    }
}

impl Raw {
    /// A buffer in memory of its own, zero at first if it is mapped.
    pub(in crate::vulkan) fn new(
        device: &Arc<Device>,
        bytes: u64,
        purpose: Purpose,
    ) -> Result<Self, VulkanError> {
        let bare = Bare::new(device, bytes, false)?;
        let mut last = vk::Result::ERROR_OUT_OF_DEVICE_MEMORY;
        for choice in choices(&device.memory_types, bare.needs.memory_type_bits, purpose) {
            let allocation = match Allocation::new(device, bare.needs.size, choice) {
                Ok(allocation) => allocation,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            // SAFETY: the memory is the buffer's alone, as large as it needs, and of a type that it can use.
            let made = unsafe { bare.place(&allocation, 0) }?;
            if let Some(start) = made.start {
                // SAFETY: `len` bytes are mapped, and nobody else has seen them. Slices must not show memory that was never written.
                unsafe { start.write_bytes(0, made.len) };
                allocation.synchronise(false);
            }
            return Ok(made);
        }
        Err(full(device, bytes, &last.to_string()))
    }

    pub(in crate::vulkan) fn device(&self) -> &Arc<Device> {
        &self.allocation.device
    }

    pub(in crate::vulkan) fn len(&self) -> usize {
        self.len
    }

    /// For the commands that use it.
    pub(in crate::vulkan) fn handle(&self) -> vk::Buffer {
        self.buffer
    }

    /// Whether the host sees the bytes.
    pub(in crate::vulkan) fn is_mapped(&self) -> bool {
        self.start.is_some()
    }

    /// The bytes; none if the host does not see them.
    pub(in crate::vulkan) fn read(&self) -> Bytes<'_> {
        let guard = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        self.settle();
        Bytes {
            raw: self,
            _guard: guard,
        }
    }

    /// The bytes, to write; none if the host does not see them.
    pub(in crate::vulkan) fn write(&self) -> BytesMut<'_> {
        let guard = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        self.settle();
        BytesMut {
            raw: self,
            _guard: guard,
        }
    }

    /// Writes bytes to the start, or zeros everywhere, if the host sees the buffer; no run uses it yet.
    pub(in crate::vulkan) fn put(&self, bytes: Option<&[u8]>) {
        let _guard = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        let Some(start) = self.start else { return };
        // SAFETY: `len` bytes are mapped, and nobody else touches them while the guard lives.
        unsafe {
            match bytes {
                Some(bytes) => {
                    let most = bytes.len().min(self.len);
                    start.copy_from_nonoverlapping(NonNull::from(bytes).cast(), most);
                }
                None => start.write_bytes(0, self.len),
            }
        }
        self.allocation.synchronise(false);
    }

    /// Waits for a run that was given up.
    fn settle(&self) {
        let pending = self.pending.load(Ordering::Acquire);
        if pending != 0 {
            // an error: the device is lost, and touches nothing any more
            let _ = self.device().wait(pending, None);
            self.fetch();
        }
    }

    /// Holds the bytes for a run; None: somebody else has them.
    pub(in crate::vulkan) fn try_lock(&self, write: bool) -> Option<Lock<'_>> {
        let lock = if write {
            let _guard = free(self.lock.try_write())?;
            Lock::Write { _guard }
        } else {
            let _guard = free(self.lock.try_read())?;
            Lock::Read { _guard }
        };
        let pending = self.pending.load(Ordering::Acquire);
        let now = Some(std::time::Duration::ZERO);
        let settled = pending == 0 || !matches!(self.device().wait(pending, now), Ok(false));
        settled.then_some(lock)
    }

    /// Notes that this submission may not be finished when the run lets go of the bytes.
    pub(in crate::vulkan) fn set_pending(&self, number: u64) {
        self.pending.fetch_max(number, Ordering::AcqRel);
    }

    /// Lets the host see what kernels wrote, after the run.
    pub(in crate::vulkan) fn fetch(&self) {
        self.allocation.synchronise(true);
    }

    /// The bytes, if the host sees them.
    fn slice(&self) -> (*mut u8, usize) {
        match self.start {
            Some(start) => (start.as_ptr(), self.len),
            None => (NonNull::dangling().as_ptr(), 0),
        }
    }

    /// The first word, if the host sees it.
    ///
    /// # Safety
    /// The caller holds the lock for writing, and no submission uses the bytes.
    pub(in crate::vulkan) unsafe fn first_word(&self) -> Option<u32> {
        let word = self.start.filter(|_| self.len >= 4)?.cast::<u32>();
        // SAFETY: places of buffers are aligned to 4 at least; nobody writes (the caller's promise).
        Some(unsafe { word.read_unaligned() })
    }

    /// Sets the first word to 0, if the host sees it.
    ///
    /// # Safety
    /// As [`Raw::first_word`].
    pub(in crate::vulkan) unsafe fn clear_first_word(&self) {
        if let Some(start) = self.start.filter(|_| self.len >= 4) {
            // SAFETY: as in `first_word`.
            unsafe { start.cast::<u32>().write_unaligned(0) };
            self.allocation.synchronise(false);
        }
    }
}

impl Bare {
    /// The buffer at a place in memory.
    ///
    /// # Safety
    /// The memory is of the same device and of a type that the buffer can use; the place is aligned as it needs, and has as many bytes
    /// as it needs, which no other buffer has unless both are only read.
    pub(super) unsafe fn place(
        mut self,
        allocation: &Arc<Allocation>,
        offset: u64,
    ) -> Result<Raw, VulkanError> {
        let device = &self.device;
        // SAFETY: the caller's promise.
        let bound = unsafe {
            device
                .raw
                .bind_buffer_memory(self.buffer, allocation.memory, offset)
        };
        bound.map_err(failed("vkBindBufferMemory"))?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        // SAFETY: so many bytes are mapped (the caller's promise).
        let start = allocation.start.map(|s| unsafe { s.add(offset) });
        Ok(Raw {
            buffer: std::mem::replace(&mut self.buffer, vk::Buffer::null()),
            allocation: Arc::clone(allocation),
            start,
            len: self.len,
            lock: RwLock::new(()),
            pending: AtomicU64::new(0),
        })
    }
}

/// The guard, if it was to be had.
fn free<G>(result: TryLockResult<G>) -> Option<G> {
    match result {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The bytes of a [`Buffer`](super::Buffer), lent to the program.
pub struct Bytes<'a> {
    raw: &'a Raw,
    _guard: RwLockReadGuard<'a, ()>,
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let (start, len) = self.raw.slice();
        // SAFETY: the bytes are mapped and were written (`Raw::new`), or there are none; while the guard lives, nobody writes.
        unsafe { std::slice::from_raw_parts(start, len) }
    }
}

/// The bytes of a [`Buffer`](super::Buffer), lent to the program to write.
pub struct BytesMut<'a> {
    raw: &'a Raw,
    _guard: RwLockWriteGuard<'a, ()>,
}

impl Deref for BytesMut<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let (start, len) = self.raw.slice();
        // SAFETY: as in `Bytes`; while the guard lives, nobody else touches the bytes.
        unsafe { std::slice::from_raw_parts(start, len) }
    }
}

impl DerefMut for BytesMut<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        let (start, len) = self.raw.slice();
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(start, len) }
    }
}

impl Drop for BytesMut<'_> {
    fn drop(&mut self) {
        self.raw.allocation.synchronise(false);
    }
}
