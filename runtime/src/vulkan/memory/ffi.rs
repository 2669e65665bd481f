//! Memory of a device, mapped.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, failed};
use ash::vk;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult,
};

/// A buffer with its memory.
pub(in crate::vulkan) struct Raw {
    device: Arc<Device>,
    buffer: vk::Buffer,
    memory: vk::DeviceMemory,
    start: NonNull<u8>,
    len: usize,
    /// Who may touch the bytes: readers, or one writer. A run counts as one or the other.
    lock: RwLock<()>,
    /// Number of a submission that uses the bytes and was not waited for to the end.
    pending: AtomicU64,
}

// SAFETY: the handles may be used by any thread; the bytes behind `start` are only touched under `lock`.
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
        // SAFETY: both were made with the device, which is alive; no run uses them, since runs keep what they use. Null handles are
        // ignored. Freeing memory unmaps it.
        unsafe {
            self.device.raw.destroy_buffer(self.buffer, None);
            self.device.raw.free_memory(self.memory, None);
        }
    }
}

impl Raw {
    pub(in crate::vulkan) fn new(device: &Arc<Device>, bytes: u64) -> Result<Self, VulkanError> {
        let full = |reason: &str| VulkanError::Memory {
            bytes,
            device: device.properties().name.clone(),
            reason: reason.to_owned(),
        };
        let len = usize::try_from(bytes).ok();
        let len = len.filter(|n| isize::try_from(*n).is_ok());
        let len = len.ok_or_else(|| full("this machine cannot address it"))?;
        let most = device.properties().max_buffer_bytes;
        if bytes > most {
            return Err(full(&format!("a buffer has at most {most} bytes there")));
        }
        let mut made = Self {
            device: Arc::clone(device),
            buffer: vk::Buffer::null(),
            memory: vk::DeviceMemory::null(),
            start: NonNull::dangling(),
            len,
            lock: RwLock::new(()),
            pending: AtomicU64::new(0),
        };
        let out_of_memory = |error: vk::Result| full(&error.to_string());
        let info = vk::BufferCreateInfo::default()
            .size(bytes.max(4))
            .usage(vk::BufferUsageFlags::STORAGE_BUFFER)
            .sharing_mode(vk::SharingMode::EXCLUSIVE);
        // SAFETY: the device is alive; the size is not 0 and no more than it allows.
        made.buffer = unsafe { device.raw.create_buffer(&info, None) }.map_err(out_of_memory)?;
        // SAFETY: the buffer is this device's.
        let needs = unsafe { device.raw.get_buffer_memory_requirements(made.buffer) };
        made.memory = allocate(device, needs).map_err(out_of_memory)?;
        // SAFETY: buffer and memory are new, of this device, and the memory is as large and of a type as the buffer needs; it is
        // visible to the host and not mapped yet.
        let start = unsafe {
            let bound = device.raw.bind_buffer_memory(made.buffer, made.memory, 0);
            bound.map_err(failed("vkBindBufferMemory"))?;
            let flags = vk::MemoryMapFlags::empty();
            device
                .raw
                .map_memory(made.memory, 0, vk::WHOLE_SIZE, flags)
                .map_err(out_of_memory)?
        };
        made.start = NonNull::new(start.cast()).ok_or_else(|| full("the driver maps nothing"))?;
        // SAFETY: `len` bytes are mapped, and nobody else has seen them. Slices must not show memory that was never written.
        unsafe { made.start.write_bytes(0, len) };
        Ok(made)
    }

    pub(in crate::vulkan) fn device(&self) -> &Arc<Device> {
        &self.device
    }

    pub(in crate::vulkan) fn len(&self) -> usize {
        self.len
    }

    /// For the commands that use it.
    pub(in crate::vulkan) fn handle(&self) -> vk::Buffer {
        self.buffer
    }

    pub(super) fn read(&self) -> Bytes<'_> {
        let guard = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        self.settle();
        Bytes {
            raw: self,
            _guard: guard,
        }
    }

    pub(in crate::vulkan) fn write(&self) -> BytesMut<'_> {
        let guard = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        self.settle();
        BytesMut {
            raw: self,
            _guard: guard,
        }
    }

    /// Waits for a run that was given up.
    fn settle(&self) {
        let pending = self.pending.load(Ordering::Acquire);
        if pending != 0 {
            // an error: the device is lost, and touches nothing any more
            let _ = self.device.wait(pending, None);
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
        let settled = pending == 0 || !matches!(self.device.wait(pending, now), Ok(false));
        settled.then_some(lock)
    }

    /// Notes that this submission may not be finished when the run lets go of the bytes.
    pub(in crate::vulkan) fn set_pending(&self, number: u64) {
        self.pending.fetch_max(number, Ordering::AcqRel);
    }

    /// The first word.
    ///
    /// # Safety
    /// The caller holds the lock for writing, and no submission uses the bytes.
    pub(in crate::vulkan) unsafe fn first_word(&self) -> Option<u32> {
        let word = self.start.cast::<u32>();
        // SAFETY: mapped memory is aligned to more than 4; nobody writes (the caller's promise).
        (self.len >= 4).then(|| unsafe { word.read() })
    }

    /// Sets the first word to 0.
    ///
    /// # Safety
    /// As [`Raw::first_word`].
    pub(in crate::vulkan) unsafe fn clear_first_word(&self) {
        if self.len >= 4 {
            // SAFETY: as in `first_word`.
            unsafe { self.start.cast::<u32>().write(0) };
        }
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

/// Memory that the host sees without flushing: of the device if there is such, in the driver's order.
fn allocate(
    device: &Device,
    needs: vk::MemoryRequirements,
) -> Result<vk::DeviceMemory, vk::Result> {
    use vk::MemoryPropertyFlags as Flags;
    let wanted = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
    // others need features that are not enabled
    let known = wanted | Flags::DEVICE_LOCAL | Flags::HOST_CACHED;
    let types = device.memory_types.iter().enumerate();
    let mut fit: Vec<(u32, Flags)> = types
        .filter(|(i, f)| needs.memory_type_bits >> i & 1 == 1 && f.contains(wanted))
        .filter(|(_, f)| known.contains(**f))
        .map(|(i, f)| (i as u32, *f))
        .collect();
    fit.sort_by_key(|(_, f)| !f.contains(Flags::DEVICE_LOCAL)); // stable
    let mut last = vk::Result::ERROR_OUT_OF_HOST_MEMORY;
    for (index, _) in fit {
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(needs.size)
            .memory_type_index(index);
        // SAFETY: the device is alive and has this type of memory.
        match unsafe { device.raw.allocate_memory(&info, None) } {
            Ok(memory) => return Ok(memory),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The bytes of a [`Buffer`](super::Buffer), lent to the program.
pub struct Bytes<'a> {
    raw: &'a Raw,
    _guard: RwLockReadGuard<'a, ()>,
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the bytes are mapped and were written (`Raw::new`); while the guard lives, nobody writes.
        unsafe { std::slice::from_raw_parts(self.raw.start.as_ptr(), self.raw.len) }
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
        // SAFETY: as in `Bytes`; while the guard lives, nobody else touches the bytes.
        unsafe { std::slice::from_raw_parts(self.raw.start.as_ptr(), self.raw.len) }
    }
}

impl DerefMut for BytesMut<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(self.raw.start.as_ptr(), self.raw.len) }
    }
}
