//! Pieces of memory of a device, and buffers that have none yet.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::Device;
use super::types::Choice;
use crate::memory::Weights;
use ash::vk;
use std::ptr::NonNull;
use std::sync::Arc;

/// A piece of memory.
pub(in crate::vulkan) struct Allocation {
    pub(super) device: Arc<Device>,
    pub(super) memory: vk::DeviceMemory,
    /// Where the host sees it.
    pub(super) start: Option<NonNull<u8>>,
    /// Whether nothing has to be flushed.
    coherent: bool,
    /// The host's memory that it is.
    _imported: Option<Arc<Weights>>,
}

// SAFETY: the handle may be used by any thread; the bytes behind `start` are only touched under the locks of buffers, which do not
// overlap.
unsafe impl Send for Allocation {}
// SAFETY: as above.
unsafe impl Sync for Allocation {}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: it was made with the device, which is alive; buffers in it are gone, since they keep it. Freeing memory unmaps it.
        unsafe { self.device.raw.free_memory(self.memory, None) };
    }
}

impl Allocation {
    /// `bytes` bytes of this type, mapped if the choice says so.
    pub(super) fn new(
        device: &Arc<Device>,
        bytes: u64,
        choice: Choice,
    ) -> Result<Arc<Self>, vk::Result> {
        let info = vk::MemoryAllocateInfo::default()
            .allocation_size(bytes)
            .memory_type_index(choice.index);
        // SAFETY: the device is alive and has this type of memory.
        let memory = unsafe { device.raw.allocate_memory(&info, None) }?;
        let mut made = Self {
            device: Arc::clone(device),
            memory,
            start: None,
            coherent: choice.coherent,
            _imported: None,
        };
        if choice.mapped {
            let flags = vk::MemoryMapFlags::empty();
            // SAFETY: the memory is new, not mapped yet, and visible to the host (`choices`).
            let start = unsafe { device.raw.map_memory(memory, 0, vk::WHOLE_SIZE, flags) }?;
            made.start = NonNull::new(start.cast());
            if made.start.is_none() {
                return Err(vk::Result::ERROR_MEMORY_MAP_FAILED);
            }
        }
        Ok(Arc::new(made))
    }

    /// What was made of the host's memory, which it keeps.
    ///
    /// # Safety
    /// `memory` was just made with this device.
    pub(super) unsafe fn imported(
        device: &Arc<Device>,
        memory: vk::DeviceMemory,
        host: &Arc<Weights>,
    ) -> Arc<Self> {
        Arc::new(Self {
            device: Arc::clone(device),
            memory,
            start: None,
            coherent: true,
            _imported: Some(Arc::clone(host)),
        })
    }

    /// Makes what one side wrote visible to the other, where that is not so by itself.
    pub(super) fn synchronise(&self, to_host: bool) {
        if self.coherent || self.start.is_none() {
            return;
        }
        let whole = [vk::MappedMemoryRange::default()
            .memory(self.memory)
            .size(vk::WHOLE_SIZE)];
        // SAFETY: the memory is this device's, and mapped. A device that cannot do this is lost, as the next call will say.
        let _ = unsafe {
            match to_host {
                true => self.device.raw.invalidate_mapped_memory_ranges(&whole),
                false => self.device.raw.flush_mapped_memory_ranges(&whole),
            }
        };
    }
}

/// A buffer without memory.
pub(super) struct Bare {
    pub(super) device: Arc<Device>,
    pub(super) buffer: vk::Buffer,
    pub(super) len: usize,
    /// What memory it takes.
    pub(super) needs: vk::MemoryRequirements,
}

impl Drop for Bare {
    fn drop(&mut self) {
        // SAFETY: made with the device, which is alive; used by no commands. Null handles are ignored.
        unsafe { self.device.raw.destroy_buffer(self.buffer, None) };
    }
}

/// There is no room.
pub(super) fn full(device: &Device, bytes: u64, reason: &str) -> VulkanError {
    VulkanError::Memory {
        bytes,
        device: device.properties().name.clone(),
        reason: reason.to_owned(),
    }
}

impl Bare {
    /// A buffer of `bytes` bytes; `imported`: for memory of the host.
    pub(super) fn new(
        device: &Arc<Device>,
        bytes: u64,
        imported: bool,
    ) -> Result<Self, VulkanError> {
        let len = usize::try_from(bytes).ok();
        let len = len.filter(|n| isize::try_from(*n).is_ok());
        let len = len.ok_or_else(|| full(device, bytes, "this machine cannot address it"))?;
        let most = device.properties().max_buffer_bytes;
        if bytes > most {
            let reason = format!("a buffer has at most {most} bytes there");
            return Err(full(device, bytes, &reason));
        }
        let usage = vk::BufferUsageFlags::STORAGE_BUFFER
            | vk::BufferUsageFlags::TRANSFER_SRC
            | vk::BufferUsageFlags::TRANSFER_DST;
        let mut external = vk::ExternalMemoryBufferCreateInfo::default()
            .handle_types(vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT);
        let mut info = vk::BufferCreateInfo::default()
            .size(bytes.max(4))
            .usage(usage)
            .sharing_mode(vk::SharingMode::EXCLUSIVE);
        if imported {
            info = info.push_next(&mut external);
        }
        // SAFETY: the device is alive; the size is not 0 and no more than it allows.
        let buffer = unsafe { device.raw.create_buffer(&info, None) };
        let buffer = buffer.map_err(|e| full(device, bytes, &e.to_string()))?;
        Ok(Self {
            device: Arc::clone(device),
            buffer,
            len,
            // SAFETY: the buffer is this device's.
            needs: unsafe { device.raw.get_buffer_memory_requirements(buffer) },
        })
    }
}
