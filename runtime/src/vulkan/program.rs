//! A schedule on a device.

mod check;
mod ffi;

use super::memory::{Buffer, DeviceBuffer, Purpose, Raw};
use super::module::Module;
use super::{Gpu, VulkanError, transfer};
use crate::schedule::{self, ArgumentUse, STATUS_BYTES, Schedule};
use check::{check_limits, check_module};
use ffi::{Commands, Pipelines, Started};
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

/// The kernels of a module as pipelines, with the constants of one schedule.
#[derive(Clone)]
pub struct Kernels {
    gpu: Gpu,
    schedule: Arc<Schedule>,
    uses: Arc<[ArgumentUse]>,
    pipelines: Arc<Pipelines>,
    constants: Option<Arc<Raw>>,
}

impl Kernels {
    /// Makes the pipelines of the kernels that `schedule` names in the module `spirv` (its words as bytes, lowest first), and memory
    /// for the constants.
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
        let constants = if constants.is_empty() {
            None
        } else {
            let raw = Arc::new(Raw::new(&gpu.device, expected, gpu.hidden())?);
            transfer::upload(gpu, &[(&raw, constants)])?;
            Some(raw)
        };
        Ok(Self {
            gpu: gpu.clone(),
            uses: schedule.arguments().into(),
            schedule: Arc::new(schedule.clone()),
            pipelines: Arc::new(pipelines),
            constants,
        })
    }

    /// A program with a workspace of its own: programs of the same kernels run at the same time, each with its own buffers.
    ///
    /// # Errors
    /// There is no room.
    pub fn program(&self) -> Result<Program, VulkanError> {
        let bytes = self.schedule.workspace_bytes;
        let workspace = Arc::new(Raw::new(&self.gpu.device, bytes, self.gpu.hidden())?);
        let status = if workspace.is_mapped() {
            None
        } else {
            let raw = Raw::new(&self.gpu.device, STATUS_BYTES, Purpose::Outputs)?;
            Some(Arc::new(raw))
        };
        Ok(Program {
            kernels: self.clone(),
            workspace,
            status,
        })
    }
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels")
            .field("gpu", &self.gpu)
            .field("kernels", &self.schedule.kernels.len())
            .finish_non_exhaustive()
    }
}

/// A buffer of an argument.
#[derive(Clone, Copy, Debug)]
pub enum Slot<'a> {
    /// The host sees it too.
    Host(&'a Buffer),
    /// For kernels alone.
    Device(&'a DeviceBuffer),
}

impl Slot<'_> {
    fn raw(&self) -> &Arc<Raw> {
        match self {
            Self::Host(buffer) => &buffer.raw,
            Self::Device(buffer) => &buffer.raw,
        }
    }

    /// Whether kernels must not write to it.
    fn is_read_only(&self) -> bool {
        matches!(self, Self::Device(buffer) if buffer.is_imported())
    }
}

/// Kernels with a workspace: what runs one schedule, one call at a time.
pub struct Program {
    kernels: Kernels,
    workspace: Arc<Raw>,
    /// Where the status of a call goes, if the host does not see the workspace.
    status: Option<Arc<Raw>>,
}

impl Program {
    /// As [`Kernels::new`], with a workspace.
    ///
    /// # Errors
    /// As [`Kernels::new`].
    pub fn new(
        gpu: &Gpu,
        spirv: &[u8],
        schedule: &Schedule,
        constants: &[u8],
    ) -> Result<Self, VulkanError> {
        Kernels::new(gpu, spirv, schedule, constants)?.program()
    }

    /// As [`Program::bind_slots`], for buffers that the host sees.
    ///
    /// # Errors
    /// As [`Program::bind_slots`].
    pub fn bind(&self, buffers: &[&Buffer]) -> Result<Recorded, VulkanError> {
        let slots: Vec<Slot<'_>> = buffers.iter().map(|b| Slot::Host(b)).collect();
        self.bind_slots(&slots)
    }

    /// Records the schedule for these buffers, one per argument of the function; those past the last argument that a kernel touches
    /// may be left out. Buffers of arguments that are not written may be shared with other programs and runs.
    ///
    /// # Errors
    /// A buffer is missing, too short, of another [`Gpu`], or imported and written, or stands for two arguments one of which is
    /// written; or there is no room.
    pub fn bind_slots(&self, slots: &[Slot<'_>]) -> Result<Recorded, VulkanError> {
        let Kernels {
            gpu,
            schedule,
            uses,
            pipelines,
            constants,
        } = &self.kernels;
        let expected = uses.len();
        if slots.len() < expected {
            let found = slots.len();
            return Err(VulkanError::Buffers { expected, found });
        }
        for (argument, (slot, used)) in slots.iter().zip(uses.iter()).enumerate() {
            let raw = slot.raw();
            if !Arc::ptr_eq(raw.device(), &gpu.device) {
                return Err(VulkanError::Foreign(argument));
            }
            if (raw.len() as u64) < used.bytes {
                return Err(VulkanError::Short {
                    argument,
                    expected: used.bytes,
                    found: raw.len() as u64,
                });
            }
            if used.written && slot.is_read_only() {
                return Err(VulkanError::ReadOnly(argument));
            }
        }
        let arguments: Vec<Arc<Raw>> = slots.iter().map(|s| Arc::clone(s.raw())).collect();
        self.check_shared(&arguments)?;
        let place = |span: &schedule::Span| match span.buffer {
            schedule::Buffer::Argument(index) => arguments.get(index as usize),
            schedule::Buffer::Workspace => Some(&self.workspace),
            schedule::Buffer::Constants => constants.as_ref(),
        };
        let status = self.status.as_ref().map(|s| (&self.workspace, s));
        let mut commands = Commands::record(pipelines, schedule, &place, status)?;
        // the workspace is held for writing even if no kernel touches it: it has the status
        let workspace = "the workspace of the program".to_owned();
        commands.hold(workspace, &self.workspace, true);
        for (index, (raw, used)) in arguments.iter().zip(uses.iter()).enumerate() {
            if used.bytes > 0 {
                commands.hold(format!("argument {index}"), raw, used.written);
            }
        }
        commands.keep(constants.as_ref());
        Ok(Recorded {
            commands,
            timeout: gpu.timeout,
        })
    }

    fn check_shared(&self, arguments: &[Arc<Raw>]) -> Result<(), VulkanError> {
        let uses = self.kernels.uses.iter().zip(arguments).enumerate();
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
            .field("gpu", &self.kernels.gpu)
            .field("kernels", &self.kernels.schedule.kernels.len())
            .field("dispatches", &self.kernels.schedule.dispatches.len())
            .finish()
    }
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
        self.start()?.wait()
    }

    /// Starts a run: hands the commands to the GPU, which works while this program does something else. The buffers are the run's until
    /// [`Running::wait`].
    ///
    /// # Errors
    /// A buffer is in use; an earlier run that took too long is still not over; the GPU is lost.
    pub fn start(&mut self) -> Result<Running<'_>, VulkanError> {
        Ok(Running {
            started: self.commands.start(self.timeout)?,
            timeout: self.timeout,
        })
    }

    /// Waits for the end of a run that took too long, or was started and not waited for, if there is one. After that its buffers can be
    /// looked at without waiting.
    ///
    /// # Errors
    /// It takes longer than the timeout once more; the GPU is lost.
    pub fn settle(&mut self) -> Result<(), VulkanError> {
        self.commands.settle(self.timeout)
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

/// A run that was started. Dropping it leaves the run alone: its buffers are free when it is over.
pub struct Running<'a> {
    started: Started<'a>,
    timeout: Duration,
}

impl Running<'_> {
    /// Waits for the end.
    ///
    /// # Errors
    /// As [`Recorded::run`].
    pub fn wait(self) -> Result<Status, VulkanError> {
        match self.started.finish(self.timeout)? {
            0 => Ok(Status::Ok),
            1 => Ok(Status::BadToken),
            2 => Ok(Status::Assertion),
            other => Err(VulkanError::Status(other)),
        }
    }

    /// Whether it is over.
    ///
    /// # Errors
    /// The GPU is lost.
    pub fn is_over(&self) -> Result<bool, VulkanError> {
        self.started.is_over()
    }
}

impl std::fmt::Debug for Running<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

const _: () = assert!(STATUS_BYTES == 4, "the status is one word");
