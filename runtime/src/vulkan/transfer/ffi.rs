//! Commands that run once.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, failed};
use super::super::memory::Raw;
use ash::vk;
use std::sync::Arc;
use std::time::Duration;

/// A copy between buffers.
pub(super) struct Copy {
    pub(super) from: Arc<Raw>,
    pub(super) to: Arc<Raw>,
    pub(super) source: u64,
    pub(super) target: u64,
    pub(super) bytes: u64,
}

/// What to do.
pub(super) enum Work {
    /// Copies bytes; the ranges lie in the buffers.
    Copy(Copy),
    /// Fills a buffer with zeros.
    Clear(Arc<Raw>),
}

/// A command pool, with what its commands use.
struct Once {
    device: Arc<Device>,
    pool: vk::CommandPool,
    work: Vec<Work>,
}

impl Drop for Once {
    fn drop(&mut self) {
        // SAFETY: made with the device, which is alive; its commands have run, or were not handed over.
        unsafe { self.device.raw.destroy_command_pool(self.pool, None) };
    }
}

/// Does all of it, and waits for its end.
pub(super) fn run(
    device: &Arc<Device>,
    timeout: Duration,
    work: impl IntoIterator<Item = Work>,
) -> Result<(), VulkanError> {
    let work: Vec<Work> = work.into_iter().collect();
    if work.is_empty() {
        return Ok(());
    }
    let info = vk::CommandPoolCreateInfo::default()
        .flags(vk::CommandPoolCreateFlags::TRANSIENT)
        .queue_family_index(device.queue_family);
    // SAFETY: the device is alive and has a queue of this family.
    let pool = unsafe { device.raw.create_command_pool(&info, None) };
    let once = Once {
        device: Arc::clone(device),
        pool: pool.map_err(failed("vkCreateCommandPool"))?,
        work,
    };
    let info = vk::CommandBufferAllocateInfo::default()
        .command_pool(once.pool)
        .level(vk::CommandBufferLevel::PRIMARY)
        .command_buffer_count(1);
    // SAFETY: the pool is this device's, and no other thread has it.
    let commands = unsafe { device.raw.allocate_command_buffers(&info) };
    let commands = commands.map_err(failed("vkAllocateCommandBuffers"))?;
    let Some(commands) = commands.first().copied() else {
        return Ok(());
    };
    record(&once, commands)?;
    // SAFETY: recorded just now; `once` keeps all that is used until the end, see below.
    let number = unsafe { device.submit(commands)? };
    match device.wait(number, Some(timeout)) {
        Ok(true) => {
            for work in &once.work {
                if let Work::Copy(copy) = work {
                    copy.to.fetch();
                }
            }
            Ok(())
        }
        Ok(false) => {
            // the GPU may still touch all of it: leave it alone
            std::mem::forget(once);
            Err(VulkanError::Timeout(timeout.as_secs_f64()))
        }
        Err(error) => Err(error),
    }
}

fn record(once: &Once, commands: vk::CommandBuffer) -> Result<(), VulkanError> {
    let device = &once.device.raw;
    let begin =
        vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
    let all = vk::PipelineStageFlags2::COMPUTE_SHADER
        | vk::PipelineStageFlags2::ALL_TRANSFER
        | vk::PipelineStageFlags2::HOST;
    let read = vk::AccessFlags2::SHADER_STORAGE_READ
        | vk::AccessFlags2::TRANSFER_READ
        | vk::AccessFlags2::HOST_READ;
    let write = vk::AccessFlags2::SHADER_STORAGE_WRITE
        | vk::AccessFlags2::TRANSFER_WRITE
        | vk::AccessFlags2::HOST_WRITE;
    // after what came before, and before what comes after
    let barrier = [vk::MemoryBarrier2::default()
        .src_stage_mask(all)
        .src_access_mask(write)
        .dst_stage_mask(all)
        .dst_access_mask(read | write)];
    let barrier = vk::DependencyInfo::default().memory_barriers(&barrier);
    // SAFETY: the command buffer is new; buffers are this device's, and the ranges lie in them (`Work`).
    unsafe {
        device
            .begin_command_buffer(commands, &begin)
            .map_err(failed("vkBeginCommandBuffer"))?;
        device.cmd_pipeline_barrier2(commands, &barrier);
        for work in &once.work {
            match work {
                Work::Copy(copy) => {
                    let region = [vk::BufferCopy::default()
                        .src_offset(copy.source)
                        .dst_offset(copy.target)
                        .size(copy.bytes)];
                    let (from, to) = (copy.from.handle(), copy.to.handle());
                    device.cmd_copy_buffer(commands, from, to, &region);
                }
                Work::Clear(raw) => {
                    device.cmd_fill_buffer(commands, raw.handle(), 0, vk::WHOLE_SIZE, 0);
                }
            }
        }
        device.cmd_pipeline_barrier2(commands, &barrier);
        device
            .end_command_buffer(commands)
            .map_err(failed("vkEndCommandBuffer"))
    }
}
