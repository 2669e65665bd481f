//! Pipelines and recorded commands.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, failed};
use super::super::memory::{Lock, Raw};
use crate::schedule::{Dispatch, KernelInfo, Schedule, Span};
use ash::vk;
use std::ffi::CString;
use std::sync::Arc;
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
    pending: u64,
    /// What it locks for a run; the first one is the workspace.
    held: Vec<Held>,
    kept: Vec<Arc<Raw>>,
    pipelines: Arc<Pipelines>,
}

impl Drop for Commands {
    fn drop(&mut self) {
        if self.pending != 0 && matches!(self.device.wait(self.pending, Some(GRACE)), Ok(false)) {
            // The GPU hangs and may still touch all of this: leave it alone rather than wait forever.
            std::mem::forget(Arc::clone(&self.pipelines));
            std::mem::forget(self.kept.clone());
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
    pub(super) fn record(
        pipelines: &Arc<Pipelines>,
        schedule: &Schedule,
        place: &Place<'_>,
    ) -> Result<Self, VulkanError> {
        let device = Arc::clone(&pipelines.device);
        let mut made = Self {
            device,
            pool: vk::CommandPool::null(),
            buffer: vk::CommandBuffer::null(),
            descriptors: vk::DescriptorPool::null(),
            pending: 0,
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
        made.barrier(&before_all());
        for (dispatch, set) in schedule.dispatches.iter().zip(sets) {
            made.dispatch(dispatch, set);
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

    /// Submits the commands, waits for their end, and returns the status.
    pub(super) fn run(&mut self, timeout: Duration) -> Result<u32, VulkanError> {
        let late = || VulkanError::Timeout(timeout.as_secs_f64());
        if self.pending != 0 && !self.device.wait(self.pending, Some(timeout))? {
            return Err(late());
        }
        self.pending = 0;
        let locks = self.held.iter().map(|h| {
            let busy = || VulkanError::Busy(h.name.clone());
            h.raw.try_lock(h.written).ok_or_else(busy)
        });
        let locks: Vec<Lock<'_>> = locks.collect::<Result<_, _>>()?;
        let workspace = &self.held[0].raw;
        // SAFETY: the workspace is locked for writing, and nothing that uses it runs.
        unsafe { workspace.clear_first_word() };
        // SAFETY: the commands are recorded and do not run; this object keeps all that they use, and ends only after them.
        let number = unsafe { self.device.submit(self.buffer)? };
        let finished = self.device.wait(number, Some(timeout));
        if !matches!(finished, Ok(true)) {
            self.pending = number;
            for held in &self.held {
                held.raw.set_pending(number); // before the locks go
            }
            drop(locks);
            finished?;
            return Err(late());
        }
        // SAFETY: as above; the run is over, and its writes are visible here (after_all).
        let status = unsafe { workspace.first_word() };
        drop(locks);
        Ok(status.unwrap_or(0))
    }
}

/// Kernels see what the host and earlier submissions wrote.
fn before_all() -> vk::MemoryBarrier2<'static> {
    let storage = vk::AccessFlags2::SHADER_STORAGE_READ | vk::AccessFlags2::SHADER_STORAGE_WRITE;
    vk::MemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::HOST | vk::PipelineStageFlags2::COMPUTE_SHADER)
        .src_access_mask(vk::AccessFlags2::HOST_WRITE | vk::AccessFlags2::SHADER_STORAGE_WRITE)
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

/// The host sees what kernels wrote.
fn after_all() -> vk::MemoryBarrier2<'static> {
    vk::MemoryBarrier2::default()
        .src_stage_mask(vk::PipelineStageFlags2::COMPUTE_SHADER)
        .src_access_mask(vk::AccessFlags2::SHADER_STORAGE_WRITE)
        .dst_stage_mask(vk::PipelineStageFlags2::HOST)
        .dst_access_mask(vk::AccessFlags2::HOST_READ)
}
