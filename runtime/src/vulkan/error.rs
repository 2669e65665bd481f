//! What goes wrong on the way to a GPU and on it.

use crate::schedule::ScheduleError;

/// What goes wrong with a GPU.
#[derive(Debug, thiserror::Error)]
pub enum VulkanError {
    /// There is no Vulkan loader.
    #[error(
        "cannot load libvulkan: {0}; install the Vulkan loader (Debian: libvulkan1) and a driver (Debian: mesa-vulkan-drivers)"
    )]
    NoLibrary(String),
    /// The loader is too old.
    #[error("the Vulkan loader here knows Vulkan {0}, version 1.3 is needed: update it")]
    OldLibrary(String),
    /// Validation was asked for and there is none.
    #[error(
        "validation was asked for, but the layer VK_LAYER_KHRONOS_validation is not there; install it (Debian: vulkan-validationlayers), set VK_LAYER_PATH to the folder of its .json, or go without validation"
    )]
    NoLayer,
    /// No driver, or none with a device.
    #[error(
        "no Vulkan device: no driver is installed, or its device is not there or not open to this user; install a driver (Debian: mesa-vulkan-drivers, which also has one for the CPU), or set VK_DRIVER_FILES to the .json of one"
    )]
    NoDevice,
    /// None of the devices has this name.
    #[error("no Vulkan device here is called {name:?}; here are: {found}")]
    UnknownDevice {
        /// The name asked for.
        name: String,
        /// What is here.
        found: String,
    },
    /// The device, or every device, lacks something that is always needed.
    #[error("no Vulkan device here can be used: {0}; update the driver, or choose another device")]
    Unfit(String),
    /// A call of Vulkan fails in a way that is not foreseen.
    #[error(
        "{call} fails: {reason}; see what the driver and the system log say, or try with validation"
    )]
    Call {
        /// Name of the call.
        call: &'static str,
        /// The driver's reason.
        reason: String,
    },
    /// There is no room for what the driver keeps.
    #[error("{call} fails: the driver has no memory left; free memory or use a smaller model")]
    NoRoom {
        /// Name of the call.
        call: &'static str,
    },
    /// There is no room.
    #[error(
        "cannot get {bytes} bytes of memory for {device}: {reason}; free memory or use a smaller model"
    )]
    Memory {
        /// Bytes asked for.
        bytes: u64,
        /// Name of the device.
        device: String,
        /// Why.
        reason: String,
    },
    /// The schedule contradicts itself.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The module is not what the schedule says.
    #[error(
        "the SPIR-V module: {0}; it is damaged or not the one of this schedule: compile the model again"
    )]
    Module(String),
    /// The module needs what the device lacks.
    #[error("the kernels need {needs}, {device} lacks it: compile the model for this device")]
    Lacks {
        /// What is needed.
        needs: String,
        /// Name of the device.
        device: String,
    },
    /// A kernel or dispatch is too big for the device.
    #[error(
        "{place} has {found} {what}, {device} has room for {most}: compile the model for this device"
    )]
    Limit {
        /// The kernel, dispatch or buffer.
        place: String,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// The most that there may be.
        most: u64,
        /// Name of the device.
        device: String,
    },
    /// The constants have another length than the schedule says.
    #[error(
        "{found} bytes of constants, the schedule says {expected}: they are not of this schedule"
    )]
    Constants {
        /// What the schedule says.
        expected: u64,
        /// What was given.
        found: u64,
    },
    /// Buffers are missing.
    #[error(
        "{found} buffers, the schedule has {expected} arguments: give one buffer for each argument of the function"
    )]
    Buffers {
        /// What the schedule needs.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A buffer does not hold its argument.
    #[error(
        "argument {argument}: its buffer has {found} bytes, the kernels use {expected}: give a buffer for the whole argument"
    )]
    Short {
        /// Index of the argument.
        argument: usize,
        /// Bytes that the kernels use.
        expected: u64,
        /// Bytes of the buffer.
        found: u64,
    },
    /// A buffer of another [`Gpu`](super::Gpu).
    #[error(
        "argument {0}: its buffer belongs to another Gpu: make it with the one that runs the program"
    )]
    Foreign(usize),
    /// A buffer that kernels would write and must not.
    #[error(
        "argument {0}: kernels write to it, and its buffer is imported memory that is only read: give it one of its own"
    )]
    ReadOnly(usize),
    /// One buffer for two arguments, one of which is written.
    #[error("arguments {0} and {1} share a buffer, and kernels write to it: give each its own")]
    Shared(usize, usize),
    /// A buffer is being looked at, or used by another run, while this one wants to use it.
    #[error(
        "{0} is in use by another run, or its bytes are being looked at: let go of them before running"
    )]
    Busy(String),
    /// The device takes too long.
    #[error(
        "the GPU has not finished after {0} s: it hangs, or needs more time than the timeout gives; what the call wrote is not known"
    )]
    Timeout(f64),
    /// The driver gave up.
    #[error(
        "the GPU was lost during the call: a kernel crashed or ran too long for the driver; open the Gpu anew"
    )]
    Lost,
    /// A status that no kernel may leave.
    #[error(
        "the call ended with the unknown status {0}: the kernels are newer than this program, or wrote outside of their buffers"
    )]
    Status(u32),
}
