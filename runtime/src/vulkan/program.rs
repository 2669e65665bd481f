//! A schedule on a device.

mod ffi;

use super::memory::{Buffer, Raw};
use super::module::{Entry, Module};
use super::{Gpu, VulkanError};
use crate::schedule::{self, ArgumentUse, KernelInfo, STATUS_BYTES, Schedule};
use ffi::{Commands, Pipelines};
use std::sync::Arc;
use std::time::Duration;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As it should.
    Ok,
    /// A token is not in the vocabulary.
    BadToken,
    /// An assertion of the model does not hold.
    Assertion,
}

/// The kernels of a module as pipelines, with the workspace and the constants of one schedule.
pub struct Program {
    gpu: Gpu,
    schedule: Arc<Schedule>,
    uses: Vec<ArgumentUse>,
    pipelines: Arc<Pipelines>,
    workspace: Arc<Raw>,
    constants: Option<Arc<Raw>>,
}

impl Program {
    /// Makes the pipelines of the kernels that `schedule` names in the module `spirv` (its words as bytes, lowest first), and memory
    /// for the workspace and the constants.
    ///
    /// The module must be valid, as the compiler's are: drivers trust it, as a processor trusts the code of a library.
    ///
    /// # Errors
    /// The schedule contradicts itself or the module; they need more than the device has; the constants have another length
    /// than the schedule says; there is no room.
    pub fn new(
        gpu: &Gpu,
        spirv: &[u8],
        schedule: &Schedule,
        constants: &[u8],
    ) -> Result<Self, VulkanError> {
        schedule.check()?;
        let (found, expected) = (constants.len() as u64, schedule.constants_bytes);
        if found != expected {
            return Err(VulkanError::Constants { expected, found });
        }
        let module = Module::new(spirv)?;
        check_module(gpu, &module, schedule)?;
        check_limits(gpu, &module, schedule)?;
        let pipelines = Pipelines::new(&gpu.device, &module.words, &schedule.kernels)?;
        let workspace = Arc::new(Raw::new(&gpu.device, schedule.workspace_bytes)?);
        let constants = if constants.is_empty() {
            None
        } else {
            let raw = Raw::new(&gpu.device, expected)?;
            raw.write().copy_from_slice(constants);
            Some(Arc::new(raw))
        };
        Ok(Self {
            gpu: gpu.clone(),
            uses: schedule.arguments(),
            schedule: Arc::new(schedule.clone()),
            pipelines: Arc::new(pipelines),
            workspace,
            constants,
        })
    }

    /// Records the schedule for these buffers, one per argument of the function; those past the last argument that a kernel touches
    /// may be left out. Buffers of arguments that are not written may be shared with other programs and runs.
    ///
    /// # Errors
    /// A buffer is missing, too short, of another [`Gpu`], or stands for two arguments one of which is written; or there is no
    /// room.
    pub fn bind(&self, buffers: &[&Buffer]) -> Result<Recorded, VulkanError> {
        let expected = self.uses.len();
        if buffers.len() < expected {
            let found = buffers.len();
            return Err(VulkanError::Buffers { expected, found });
        }
        for (argument, (buffer, used)) in buffers.iter().zip(&self.uses).enumerate() {
            if !Arc::ptr_eq(buffer.raw.device(), &self.gpu.device) {
                return Err(VulkanError::Foreign(argument));
            }
            if buffer.len() < used.bytes {
                return Err(VulkanError::Short {
                    argument,
                    expected: used.bytes,
                    found: buffer.len(),
                });
            }
        }
        let arguments: Vec<Arc<Raw>> = buffers.iter().map(|b| Arc::clone(&b.raw)).collect();
        self.check_shared(&arguments)?;
        let place = |span: &schedule::Span| match span.buffer {
            schedule::Buffer::Argument(index) => arguments.get(index as usize),
            schedule::Buffer::Workspace => Some(&self.workspace),
            schedule::Buffer::Constants => self.constants.as_ref(),
        };
        let mut commands = Commands::record(&self.pipelines, &self.schedule, &place)?;
        // the workspace is held for writing even if no kernel touches it: it has the status
        commands.hold(
            "the workspace of the program".to_owned(),
            &self.workspace,
            true,
        );
        for (index, (raw, used)) in arguments.iter().zip(&self.uses).enumerate() {
            if used.bytes > 0 {
                commands.hold(format!("argument {index}"), raw, used.written);
            }
        }
        commands.keep(self.constants.as_ref());
        Ok(Recorded {
            commands,
            timeout: self.gpu.timeout,
        })
    }

    fn check_shared(&self, arguments: &[Arc<Raw>]) -> Result<(), VulkanError> {
        let uses = self.uses.iter().zip(arguments).enumerate();
        let touched: Vec<_> = uses.filter(|(_, (used, _))| used.bytes > 0).collect();
        for (n, (second, (used, raw))) in touched.iter().enumerate() {
            for (first, (earlier, other)) in &touched[..n] {
                if Arc::ptr_eq(raw, other) && (used.written || earlier.written) {
                    return Err(VulkanError::Shared(*first, *second));
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("gpu", &self.gpu)
            .field("kernels", &self.schedule.kernels.len())
            .field("dispatches", &self.schedule.dispatches.len())
            .finish()
    }
}

/// Whether the module has what the schedule says, and needs nothing that the device lacks.
fn check_module(gpu: &Gpu, module: &Module, schedule: &Schedule) -> Result<(), VulkanError> {
    if let Some(needs) = module.lacks(&gpu.properties().features) {
        let device = gpu.name().to_owned();
        return Err(VulkanError::Lacks { needs, device });
    }
    for kernel in &schedule.kernels {
        let name = &kernel.entry;
        let entry = module.entry(name);
        let problem = match entry {
            None => Some("is not in it".to_owned()),
            Some(entry) => contradiction(kernel, entry),
        };
        if let Some(problem) = problem {
            return Err(VulkanError::Module(format!("kernel {name:?} {problem}")));
        }
    }
    Ok(())
}

/// How a kernel of the schedule and its entry point differ.
fn contradiction(kernel: &KernelInfo, entry: &Entry) -> Option<String> {
    let KernelInfo {
        bindings,
        push_words,
        workgroup,
        ..
    } = kernel;
    let other = |(set, binding): &&(u32, u32)| *set != 0 || binding >= bindings;
    if let Some((set, binding)) = entry.bindings.iter().find(other) {
        let has = format!("uses binding {binding} of set {set}");
        return Some(format!("{has}, the schedule gives it {bindings} of set 0"));
    }
    if entry.push && *push_words == 0 {
        return Some("takes push constants, the schedule gives it none".to_owned());
    }
    match entry.workgroup {
        Some(found) if found == *workgroup => None,
        found => Some(format!(
            "has workgroups of {found:?}, the schedule says {workgroup:?}"
        )),
    }
}

/// Whether the device has room for each kernel and dispatch.
fn check_limits(gpu: &Gpu, module: &Module, schedule: &Schedule) -> Result<(), VulkanError> {
    let p = gpu.properties();
    let limit = |place: &dyn Fn() -> String, what, found: u64, most: u64| {
        if found <= most {
            return Ok(());
        }
        Err(VulkanError::Limit {
            place: place(),
            what,
            found,
            most,
            device: p.name.clone(),
        })
    };
    for kernel in &schedule.kernels {
        let place = || format!("kernel {:?}", kernel.entry);
        let check =
            |what, found: u32, most: u32| limit(&place, what, u64::from(found), u64::from(most));
        check(
            "invocations a workgroup",
            kernel.workgroup.iter().product(),
            p.invocations,
        )?;
        for (found, most) in kernel.workgroup.iter().zip(p.workgroup) {
            check("invocations along a side of its workgroup", *found, most)?;
        }
        check("storage buffers", kernel.bindings, p.bindings)?;
        check(
            "bytes of push constants",
            4 * kernel.push_words,
            p.push_bytes,
        )?;
        let shared = module.entry(&kernel.entry).map_or(0, |e| e.shared_bytes);
        let most = u64::from(p.shared_memory);
        limit(&place, "bytes of workgroup memory", shared, most)?;
    }
    for (index, dispatch) in schedule.dispatches.iter().enumerate() {
        let place = || format!("dispatch {index}");
        for (found, most) in dispatch.groups.iter().zip(p.groups) {
            let (found, most) = (u64::from(*found), u64::from(most));
            limit(&place, "workgroups along a side", found, most)?;
        }
        for span in &dispatch.spans {
            let most = p.max_storage_buffer_range;
            limit(&place, "bytes in a span", span.bytes, most)?;
        }
    }
    Ok(())
}

/// A schedule recorded for certain buffers. It keeps alive what it uses.
pub struct Recorded {
    commands: Commands,
    timeout: Duration,
}

impl Recorded {
    /// Runs the schedule once and waits for its end: one submission. The workspace is not cleared, but for the status.
    ///
    /// # Errors
    /// A buffer is in use; the GPU takes longer than the timeout of [`Options`](super::Options) (the next run waits for it again), or
    /// is lost; the status is none that a kernel may leave.
    pub fn run(&mut self) -> Result<Status, VulkanError> {
        match self.commands.run(self.timeout)? {
            0 => Ok(Status::Ok),
            1 => Ok(Status::BadToken),
            2 => Ok(Status::Assertion),
            other => Err(VulkanError::Status(other)),
        }
    }

    /// Sets how long [`Recorded::run`] waits for the GPU.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorded")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

const _: () = assert!(STATUS_BYTES == 4, "the status is one word");
