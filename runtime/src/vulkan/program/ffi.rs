//! Pipelines and recorded commands.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, failed};
use super::super::memory::{Lock, Raw};
use crate::schedule::{Dispatch, KernelInfo, STATUS_BYTES, Schedule, Span};
use ash::vk;
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const COMPUTE: vk::ShaderStageFlags = vk::ShaderStageFlags::COMPUTE;

/// One pipeline per kernel of a schedule.
pub(super) struct Pipelines {
    device: Arc<Device>,
    module: vk::ShaderModule,
    sets: Vec<vk::DescriptorSetLayout>,
    layouts: Vec<vk::PipelineLayout>,
    pipelines: Vec<vk::Pipeline>,
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        let device = &self.device.raw;
        // SAFETY: all of it was made with the device, which is alive; commands that use it keep it, so none runs.
        unsafe {
            for pipeline in self.pipelines.drain(..) {
                device.destroy_pipeline(pipeline, None);
            }
            for layout in self.layouts.drain(..) {
                device.destroy_pipeline_layout(layout, None);
            }
            for set in self.sets.drain(..) {
                device.destroy_descriptor_set_layout(set, None);
            }
            device.destroy_shader_module(self.module, None);
        }
    }
}

impl Pipelines {
    /// The caller has checked that the module has the kernels, and that the device has room for them.
    pub(super) fn new(
        device: &Arc<Device>,
        words: &[u32],
        kernels: &[KernelInfo],
    ) -> Result<Self, VulkanError> {
        let mut made = Self {
            device: Arc::clone(device),
            module: vk::ShaderModule::null(),
            sets: vec![],
            layouts: vec![],
            pipelines: vec![],
        };
        let info = vk::ShaderModuleCreateInfo::default().code(words);
        // SAFETY: the device is alive; the module is valid (Program::new asks for it) and needs no feature that is not enabled.
        let module = unsafe { device.raw.create_shader_module(&info, None) };
        made.module = module.map_err(failed("vkCreateShaderModule"))?;
        for kernel in kernels {
            made.layout(kernel)?;
        }
        made.compile(kernels)?;
        Ok(made)
    }

    fn layout(&mut self, kernel: &KernelInfo) -> Result<(), VulkanError> {
        let binding = |i| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(i)
                .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                .descriptor_count(1)
                .stage_flags(COMPUTE)
        };
        let bindings: Vec<_> = (0..kernel.bindings).map(binding).collect();
        let set = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the device is alive and has room for so many storage buffers.
        let set = unsafe { self.device.raw.create_descriptor_set_layout(&set, None) };
        let set = set.map_err(failed("vkCreateDescriptorSetLayout"))?;
        self.sets.push(set);
        let sets = [set];
        let push = [vk::PushConstantRange::default()
            .stage_flags(COMPUTE)
            .size(4 * kernel.push_words)];
        let mut layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
        if kernel.push_words > 0 {
            layout = layout.push_constant_ranges(&push);
        }
        // SAFETY: the device is alive, made the set's layout, and has room for so many push constants.
        let layout = unsafe { self.device.raw.create_pipeline_layout(&layout, None) };
        self.layouts
            .push(layout.map_err(failed("vkCreatePipelineLayout"))?);
        Ok(())
    }

    fn compile(&mut self, kernels: &[KernelInfo]) -> Result<(), VulkanError> {
        if kernels.is_empty() {
            return Ok(()); // Vulkan takes no empty list
        }
        let names = kernels.iter().map(|k| CString::new(k.entry.as_str()));
        let names: Vec<CString> = names
            .collect::<Result<_, _>>()
            .map_err(|e| VulkanError::Module(e.to_string()))?;
        let info = |(name, layout): (&CString, &vk::PipelineLayout)| {
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(COMPUTE)
                .module(self.module);
            vk::ComputePipelineCreateInfo::default()
                .layout(*layout)
                // SAFETY of the pointer: `names` lives until after the call
                .stage(vk::PipelineShaderStageCreateInfo {
                    p_name: name.as_ptr(),
                    ..stage
                })
        };
        let infos: Vec<_> = names.iter().zip(&self.layouts).map(info).collect();
        let device = &self.device;
        // SAFETY: module and layouts are this device's; the names are entry points of the module, whose buffers and push constants the
        // layouts have.
        let made = unsafe {
            device
                .raw
                .create_compute_pipelines(device.pipeline_cache, &infos, None)
        };
        match made {
            Ok(pipelines) => self.pipelines = pipelines,
            Err((pipelines, error)) => {
                self.pipelines = pipelines; // some may be there, the others are null
                return Err(failed("vkCreateComputePipelines")(error));
            }
        }
        for (pipeline, name) in self.pipelines.iter().zip(&names) {
            device.name(*pipeline, name);
        }
        Ok(())
    }
}

/// A buffer that a run uses.
struct Held {
    name: String,
    raw: Arc<Raw>,
    written: bool,
}

/// A recorded command buffer, and all that it uses.
pub(super) struct Commands {
    device: Arc<Device>,
    pool: vk::CommandPool,
    buffer: vk::CommandBuffer,
    descriptors: vk::DescriptorPool,
    /// Number of a submission that was not seen to finish; 0: none.
    pending: AtomicU64,
    /// Where the status lies after a run, if not in the workspace.
    status: Option<Arc<Raw>>,
    /// What it locks for a run; the first one is the workspace.
    held: Vec<Held>,
    kept: Vec<Arc<Raw>>,
    pipelines: Arc<Pipelines>,
}

impl Drop for Commands {
    fn drop(&mut self) {
        let pending = *self.pending.get_mut();
        if pending != 0 && matches!(self.device.wait(pending, Some(GRACE)), Ok(false)) {
            // The GPU hangs and may still touch all of this: leave it alone rather than wait forever.
            std::mem::forget(Arc::clone(&self.pipelines));
            std::mem::forget(self.kept.clone());
            std::mem::forget(self.status.clone());
            let held = self.held.iter().map(|h| Arc::clone(&h.raw));
            std::mem::forget(held.collect::<Vec<_>>());
            return;
        }
        // SAFETY: both were made with the device, which is alive; the commands do not run. Null handles are ignored; what was
        // allocated from the pools ends with them.
        unsafe {
            self.device.raw.destroy_command_pool(self.pool, None);
            self.device
                .raw
                .destroy_descriptor_pool(self.descriptors, None);
        }
    }
}

/// How long the end of a [`Commands`] waits for a run that exceeded its timeout.
const GRACE: Duration = Duration::from_secs(10);

/// Where a span lies.
pub(super) type Place<'a> = dyn Fn(&Span) -> Option<&'a Arc<Raw>> + 'a;

impl Commands {
    /// The caller has checked the schedule, that `place` has a buffer of the same device for each span, and that the span lies in it.
    /// `status`: a workspace that the host does not see, and a buffer for a copy of its first word.
    pub(super) fn record(
        pipelines: &Arc<Pipelines>,
        schedule: &Schedule,
        place: &Place<'_>,
        status: Option<(&Arc<Raw>, &Arc<Raw>)>,
    ) -> Result<Self, VulkanError> {
        let device = Arc::clone(&pipelines.device);
        let mut made = Self {
            device,
            pool: vk::CommandPool::null(),
            buffer: vk::CommandBuffer::null(),
            descriptors: vk::DescriptorPool::null(),
            pending: AtomicU64::new(0),
            status: status.map(|(_, to)| Arc::clone(to)),
            held: vec![],
            kept: vec![],
            pipelines: Arc::clone(pipelines),
        };
        made.open()?;
        let sets = made.describe(schedule, place)?;
        let device = &made.device.raw;
        let begin = vk::CommandBufferBeginInfo::default();
        // SAFETY: the command buffer is new.
        let begun = unsafe { device.begin_command_buffer(made.buffer, &begin) };
        begun.map_err(failed("vkBeginCommandBuffer"))?;
        if let Some((workspace, _)) = status {
            made.clear_status(workspace);
        }
        made.barrier(&before_all());
        for (dispatch, set) in schedule.dispatches.iter().zip(sets) {
            made.dispatch(dispatch, set);
        }
        if let Some((workspace, to)) = status {
            made.copy_status(workspace, to);
        }
        made.barrier(&after_all());
        // SAFETY: it is being recorded.
        let ended = unsafe { device.end_command_buffer(made.buffer) };
        ended.map_err(failed("vkEndCommandBuffer"))?;
        Ok(made)
    }

    /// Makes the command buffer.
    fn open(&mut self) -> Result<(), VulkanError> {
        let info =
            vk::CommandPoolCreateInfo::default().queue_family_index(self.device.queue_family);
        // SAFETY: the device is alive and has a queue of this family.
        let pool = unsafe { self.device.raw.create_command_pool(&info, None) };
        self.pool = pool.map_err(failed("vkCreateCommandPool"))?;
        let info = vk::CommandBufferAllocateInfo::default()
            .command_pool(self.pool)
            .level(vk::CommandBufferLevel::PRIMARY)
            .command_buffer_count(1);
        // SAFETY: the pool is this device's, and no other thread has it.
        let buffers = unsafe { self.device.raw.allocate_command_buffers(&info) };
        self.buffer = buffers.map_err(failed("vkAllocateCommandBuffers"))?[0];
        Ok(())
    }

    /// Makes one descriptor set per dispatch.
    fn describe(
        &mut self,
        schedule: &Schedule,
        place: &Place<'_>,
    ) -> Result<Vec<vk::DescriptorSet>, VulkanError> {
        let dispatches = &schedule.dispatches;
        if dispatches.is_empty() {
            return Ok(vec![]);
        }
        let spans: usize = dispatches.iter().map(|d| d.spans.len()).sum();
        let sizes = [vk::DescriptorPoolSize::default()
            .ty(vk::DescriptorType::STORAGE_BUFFER)
            .descriptor_count(spans.max(1) as u32)];
        let info = vk::DescriptorPoolCreateInfo::default()
            .max_sets(dispatches.len() as u32)
            .pool_sizes(&sizes);
        // SAFETY: the device is alive.
        let pool = unsafe { self.device.raw.create_descriptor_pool(&info, None) };
        self.descriptors = pool.map_err(failed("vkCreateDescriptorPool"))?;
        let layouts = dispatches
            .iter()
            .map(|d| self.pipelines.sets[d.kernel as usize]);
        let layouts: Vec<_> = layouts.collect();
        let info = vk::DescriptorSetAllocateInfo::default()
            .descriptor_pool(self.descriptors)
            .set_layouts(&layouts);
        // SAFETY: the pool is new and has room for all; the layouts are this device's.
        let sets = unsafe { self.device.raw.allocate_descriptor_sets(&info) };
        let sets = sets.map_err(failed("vkAllocateDescriptorSets"))?;
        for (dispatch, set) in dispatches.iter().zip(&sets) {
            self.fill(*set, dispatch, place)?;
        }
        Ok(sets)
    }

    fn fill(
        &self,
        set: vk::DescriptorSet,
        dispatch: &Dispatch,
        place: &Place<'_>,
    ) -> Result<(), VulkanError> {
        let info = |span: &Span| {
            let missing = || VulkanError::Module(format!("no buffer for {}", span.buffer));
            let raw = place(span).ok_or_else(missing)?;
            Ok(vk::DescriptorBufferInfo::default()
                .buffer(raw.handle())
                .offset(span.offset)
                .range(span.bytes))
        };
        let infos = dispatch.spans.iter().map(info);
        let infos: Vec<_> = infos.collect::<Result<_, VulkanError>>()?;
        if infos.is_empty() {
            return Ok(());
        }
        // one write for all bindings: they are consecutive and alike
        let write = vk::WriteDescriptorSet::default()
            .dst_set(set)
            .dst_binding(0)
            .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
            .buffer_info(&infos);
        // SAFETY: the set is new and has as many bindings; the buffers are this device's and hold the spans, whose offsets are aligned.
        unsafe { self.device.raw.update_descriptor_sets(&[write], &[]) };
        Ok(())
    }

    fn barrier(&self, barrier: &vk::MemoryBarrier2<'_>) {
        let barriers = [*barrier];
        let info = vk::DependencyInfo::default().memory_barriers(&barriers);
        // SAFETY: the command buffer is being recorded.
        unsafe { self.device.raw.cmd_pipeline_barrier2(self.buffer, &info) };
    }

    fn dispatch(&self, dispatch: &Dispatch, set: vk::DescriptorSet) {
        if dispatch.barrier {
            self.barrier(&between());
        }
        let kernel = dispatch.kernel as usize;
        let layout = self.pipelines.layouts[kernel];
        let point = vk::PipelineBindPoint::COMPUTE;
        let push: Vec<u8> = dispatch.push.iter().flat_map(|w| w.to_ne_bytes()).collect();
        let [x, y, z] = dispatch.groups;
        let device = &self.device.raw;
        // SAFETY: the command buffer is being recorded; pipeline, layout and set belong together, and to this device; the push constants
        // have the length that the layout has (Schedule::check), the groups are no more than the device allows.
        unsafe {
            device.cmd_bind_pipeline(self.buffer, point, self.pipelines.pipelines[kernel]);
            device.cmd_bind_descriptor_sets(self.buffer, point, layout, 0, &[set], &[]);
            if !push.is_empty() {
                device.cmd_push_constants(self.buffer, layout, COMPUTE, 0, &push);
            }
            device.cmd_dispatch(self.buffer, x, y, z);
        }
    }

    /// Locks this buffer for each run. The first one has the status at its start.
    pub(super) fn hold(&mut self, name: String, raw: &Arc<Raw>, written: bool) {
        if self.held.iter().any(|h| Arc::ptr_eq(&h.raw, raw)) {
            return; // the same for two arguments that are read
        }
        self.held.push(Held {
            name,
            raw: Arc::clone(raw),
            written,
        });
    }

    /// Keeps this buffer alive.
    pub(super) fn keep(&mut self, raw: Option<&Arc<Raw>>) {
        self.kept.extend(raw.cloned());
    }

    /// Sets the status to 0, after all that came before.
    fn clear_status(&self, workspace: &Arc<Raw>) {
        self.barrier(&transfers());
        let bytes = STATUS_BYTES;
        // SAFETY: the command buffer is being recorded; the workspace is this device's, and has room for the status.
        unsafe {
            let device = &self.device.raw;
            device.cmd_fill_buffer(self.buffer, workspace.handle(), 0, bytes, 0);
        }
    }

    /// Copies the status to where the host sees it.
    fn copy_status(&self, workspace: &Arc<Raw>, to: &Arc<Raw>) {
        self.barrier(&transfers());
        let region = [vk::BufferCopy::default().size(STATUS_BYTES)];
        // SAFETY: as above; so has the other buffer.
        unsafe {
            let device = &self.device.raw;
            device.cmd_copy_buffer(self.buffer, workspace.handle(), to.handle(), &region);
        }
    }

    /// Waits for an earlier run that took too long.
    pub(super) fn settle(&mut self, timeout: Duration) -> Result<(), VulkanError> {
        let pending = *self.pending.get_mut();
        if pending != 0 && !self.device.wait(pending, Some(timeout))? {
            return Err(VulkanError::Timeout(timeout.as_secs_f64()));
        }
        *self.pending.get_mut() = 0;
        Ok(())
    }

    /// Submits the commands; waits for an earlier run that took too long.
    pub(super) fn start(&mut self, timeout: Duration) -> Result<Started<'_>, VulkanError> {
        self.settle(timeout)?;
        let commands = &*self;
        let locks = commands.held.iter().map(|h| {
            let busy = || VulkanError::Busy(h.name.clone());
            h.raw.try_lock(h.written).ok_or_else(busy)
        });
        let locks: Vec<Lock<'_>> = locks.collect::<Result<_, _>>()?;
        if let Some(workspace) = commands.held.first() {
            // SAFETY: the workspace is locked for writing, and nothing that uses it runs.
            unsafe { workspace.raw.clear_first_word() };
        }
        // SAFETY: the commands are recorded and do not run; this object keeps all that they use, and ends only after them.
        let number = unsafe { commands.device.submit(commands.buffer)? };
        Ok(Started {
            commands,
            locks,
            number,
        })
    }
}

/// A run that was handed over; it holds its buffers.
pub(super) struct Started<'a> {
    commands: &'a Commands,
    locks: Vec<Lock<'a>>,
    /// 0: it was seen to finish.
    number: u64,
}

impl Started<'_> {
    /// Whether it is over.
    pub(super) fn is_over(&self) -> Result<bool, VulkanError> {
        self.commands.device.wait(self.number, Some(Duration::ZERO))
    }

    /// Waits for the end, and returns the status.
    pub(super) fn finish(mut self, timeout: Duration) -> Result<u32, VulkanError> {
        if !self.commands.device.wait(self.number, Some(timeout))? {
            return Err(VulkanError::Timeout(timeout.as_secs_f64())); // the end of `self` leaves it pending
        }
        self.number = 0;
        let held = &self.commands.held;
        held.iter()
            .filter(|h| h.written)
            .for_each(|h| h.raw.fetch());
        let workspace = held.first().map(|h| &h.raw);
        let Some(place) = self.commands.status.as_ref().or(workspace) else {
            return Ok(0);
        };
        place.fetch();
        // SAFETY: the workspace, which the status goes with, is locked for writing; the run is over, and its writes are visible
        // here (after_all).
        let status = unsafe { place.first_word() };
        Ok(status.unwrap_or(0))
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if self.number != 0 {
            self.commands.pending.store(self.number, Ordering::Release);
            for held in &self.commands.held {
                held.raw.set_pending(self.number); // before the locks go
            }
        }
        self.locks.clear();
    }
}

/// Kernels see what the host and earlier submissions wrote.
fn before_all() -> vk::MemoryBarrier2<'static> {
    let storage = vk::AccessFlags2::SHADER_STORAGE_READ | vk::AccessFlags2::SHADER_STORAGE_WRITE;
    vk::MemoryBarrier2::default()
        .src_stage_mask(
            vk::PipelineStageFlags2::HOST
                | vk::PipelineStageFlags2::COMPUTE_SHADER
                | vk::PipelineStageFlags2::ALL_TRANSFER,
        )
        .src_access_mask(
            vk::AccessFlags2::HOST_WRITE
                | vk::AccessFlags2::SHADER_STORAGE_WRITE
                | vk::AccessFlags2::TRANSFER_WRITE,
        )
        .dst_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .dst_access_mask(storage)
}

/// Kernels see what earlier kernels wrote, and do not write what those still read.
fn between() -> vk::MemoryBarrier2<'static> {
    let storage = vk::AccessFlags2::SHADER_STORAGE_READ | vk::AccessFlags2::SHADER_STORAGE_WRITE;
    vk::MemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .src_access_mask(vk::AccessFlags2::SHADER_STORAGE_WRITE)
        .dst_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .dst_access_mask(storage)
}

/// A transfer sees what kernels and transfers wrote, and does not write what those still read.
fn transfers() -> vk::MemoryBarrier2<'static> {
    let stages = vk::PipelineStageFlags2::ALL_TRANSFER;
    let write = vk::AccessFlags2::SHADER_STORAGE_WRITE | vk::AccessFlags2::TRANSFER_WRITE;
    vk::MemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER | stages)
        .src_access_mask(write)
        .dst_stage_mask(stages)
        .dst_access_mask(vk::AccessFlags2::TRANSFER_READ | vk::AccessFlags2::TRANSFER_WRITE)
}

/// The host sees what kernels and transfers wrote.
fn after_all() -> vk::MemoryBarrier2<'static> {
    vk::MemoryBarrier2::default()
        .src_stage_mask(
            vk::PipelineStageFlags2::COMPUTE_SHADER | vk::PipelineStageFlags2::ALL_TRANSFER,
        )
        .src_access_mask(vk::AccessFlags2::SHADER_STORAGE_WRITE | vk::AccessFlags2::TRANSFER_WRITE)
        .dst_stage_mask(vk::PipelineStageFlags2::HOST)
        .dst_access_mask(vk::AccessFlags2::HOST_READ)
}
