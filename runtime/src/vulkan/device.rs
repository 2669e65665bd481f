//! Choosing a device.

mod ffi;

use super::VulkanError;
use ffi::{Found, Instance};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use ffi::{Device, failed};

/// Vulkan 1.3, the oldest version that is used: synchronisation 2, timeline semaphores, integer dot products.
const NEEDED: (u32, u32) = (1, 3);

/// What a device is and can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Its name.
    pub name: String,
    /// What kind of device it is.
    pub kind: Kind,
    /// Major and minor version of Vulkan.
    pub version: (u32, u32),
    /// Most bytes of a span of a schedule.
    pub max_storage_buffer_range: u64,
    /// Most bytes of one buffer.
    pub max_buffer_bytes: u64,
    /// Most bytes of one piece of memory.
    pub max_allocation_bytes: u64,
    /// Alignment of host memory, in bytes, that the device can use in place. None: it can use none.
    pub import_alignment: Option<u64>,
    /// Bytes of memory that the invocations of a workgroup share.
    pub shared_memory: u32,
    /// Most invocations of a workgroup.
    pub invocations: u32,
    /// Most invocations of a workgroup along x, y, z.
    pub workgroup: [u32; 3],
    /// Most workgroups of a dispatch along x, y, z.
    pub groups: [u32; 3],
    /// Most storage buffers of a kernel.
    pub bindings: u32,
    /// Most bytes of push constants of a kernel.
    pub push_bytes: u32,
    /// Invocations of a subgroup.
    pub subgroup_size: u32,
    /// What kernels may use; all of it is enabled.
    pub features: Features,
}

/// A kind of device, from the one to choose last to the one to choose first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Not known.
    #[default]
    Other,
    /// The CPU, through a driver such as lavapipe.
    Cpu,
    /// A GPU that a virtual machine passes on.
    Virtual,
    /// A GPU that shares its memory with the CPU.
    Integrated,
    /// A GPU with memory of its own.
    Discrete,
}

/// What kernels may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// 16-bit elements in storage buffers.
    pub storage16: bool,
    /// 8-bit elements in storage buffers.
    pub storage8: bool,
    /// Arithmetic on f16.
    pub float16: bool,
    /// Arithmetic on i8.
    pub int8: bool,
    /// Arithmetic on i16.
    pub int16: bool,
    /// Arithmetic on i64.
    pub int64: bool,
    /// Integer dot products.
    pub integer_dot_product: bool,
    /// Whether the device has an instruction for the signed dot product of 4 bytes packed into a word.
    pub dot4x8_accelerated: bool,
    /// Operations between the invocations of a subgroup.
    pub subgroup: SubgroupFeatures,
}

/// Operations between the invocations of a subgroup that compute kernels may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of Vulkan
pub struct SubgroupFeatures {
    pub basic: bool,
    pub vote: bool,
    pub arithmetic: bool,
    pub ballot: bool,
    pub shuffle: bool,
    pub shuffle_relative: bool,
    pub clustered: bool,
}

/// A type of memory.
#[derive(Clone, Copy)]
pub(super) struct MemoryType {
    pub(super) flags: ash::vk::MemoryPropertyFlags,
    /// Size of the heap that it is taken from.
    pub(super) heap_bytes: u64,
}

/// Messages of the validation layer.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// The messages since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether a message of the layer is about a rule that is checked here and that the layer gets wrong, by the rule's name or the text.
///
/// It is one rule: a kernel must not use more workgroup memory than the device has. The layer of Debian 12 (1.3.239) adds up the
/// variables of all kernels of a module, so it refuses modules whose kernels all fit. [`Program::new`](super::Program::new) counts what
/// each kernel uses and refuses those that do not fit, before the layer sees them: no such message can be right.
fn checked_here(id: &str, message: &str) -> bool {
    const WORKGROUP_MEMORY: &str = "VUID-RuntimeSpirv-Workgroup-06530";
    id == WORKGROUP_MEMORY || (id.is_empty() && message.contains(WORKGROUP_MEMORY))
}

/// Opens the device whose name contains `name`, or the best one.
pub(super) fn open(
    library: Option<&Path>,
    name: Option<&str>,
    validation: bool,
) -> Result<Device, VulkanError> {
    let instance = Instance::new(library, validation)?;
    let mut found = instance.devices()?;
    let index = choose(&found, name)?;
    Device::new(instance, found.swap_remove(index))
}

/// Index of the device to open.
fn choose(found: &[Found], name: Option<&str>) -> Result<usize, VulkanError> {
    if found.is_empty() {
        return Err(VulkanError::NoDevice);
    }
    let mut named: Vec<usize> = (0..found.len()).collect();
    if let Some(name) = name {
        let wanted = name.to_lowercase();
        named.retain(|i| found[*i].properties.name.to_lowercase().contains(&wanted));
    }
    if named.is_empty() {
        let list: Vec<String> = found.iter().map(Found::describe).collect();
        return Err(VulkanError::UnknownDevice {
            name: name.unwrap_or_default().to_owned(),
            found: list.join(", "),
        });
    }
    // the driver's order decides between equals
    let fit = named.iter().rev().filter(|i| found[**i].unfit().is_none());
    let best = fit.max_by_key(|i| found[**i].properties.kind);
    best.copied().ok_or_else(|| {
        let reasons = named.iter().filter_map(|i| {
            let device = &found[*i];
            Some(format!("{} {}", device.describe(), device.unfit()?))
        });
        VulkanError::Unfit(reasons.collect::<Vec<_>>().join(", "))
    })
}

impl Found {
    fn describe(&self) -> String {
        let Properties {
            name,
            kind,
            version: (major, minor),
            ..
        } = &self.properties;
        format!("{name:?} ({kind:?}, Vulkan {major}.{minor})")
    }

    /// Why it cannot be used.
    fn unfit(&self) -> Option<&'static str> {
        if self.properties.version < NEEDED {
            Some("is older than Vulkan 1.3")
        } else if self.queue_family.is_none() {
            Some("has no queue for compute")
        } else if self.lacks_basics {
            Some("lacks timeline semaphores or synchronisation 2")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, kind: Kind, minor: u32, queue_family: Option<u32>) -> Found {
        let properties = Properties {
            name: name.to_owned(),
            kind,
            version: (1, minor),
            ..Properties::default()
        };
        Found::made_up(properties, queue_family)
    }

    fn chosen(devices: &[Found], name: Option<&str>) -> Result<usize, String> {
        choose(devices, name).map_err(|e| e.to_string())
    }

    #[test]
    fn one_rule_is_checked_here() {
        let vuid = "VUID-RuntimeSpirv-Workgroup-06530";
        let text = format!("Validation Error: [ {vuid} ] Object 0: ...");
        assert!(checked_here(vuid, "") && checked_here("", &text));
        assert!(!checked_here("VUID-RuntimeSpirv-Location-06428", &text));
        assert!(!checked_here(
            "",
            "Validation Error: [ VUID-RuntimeSpirv-x ]"
        ));
    }

    #[test]
    fn real_gpus_come_first_and_names_decide() {
        let devices = [
            found("llvmpipe (LLVM 15)", Kind::Cpu, 3, Some(0)),
            found("Mali-G310", Kind::Integrated, 3, Some(0)),
            found("Mali-G610", Kind::Integrated, 4, Some(0)),
            found("Old card", Kind::Discrete, 2, Some(0)),
            found("Copier", Kind::Discrete, 3, None),
        ];
        assert_eq!(chosen(&devices, None), Ok(1));
        assert_eq!(chosen(&devices, Some("LLVMPIPE")), Ok(0));
        assert_eq!(chosen(&devices, Some("g610")), Ok(2));
        let error = chosen(&devices, Some("old")).expect_err("it is 1.2");
        assert!(error.contains("\"Old card\" (Discrete, Vulkan 1.2) is older than Vulkan 1.3"));
        let error = chosen(&devices[4..], None).expect_err("it has no queue");
        assert!(error.contains("\"Copier\" (Discrete, Vulkan 1.3) has no queue for compute"));
        let error = chosen(&devices[..2], Some("adreno")).expect_err("not there");
        assert!(error.contains("called \"adreno\"; here are: \"llvmpipe (LLVM 15)\" (Cpu, Vulkan 1.3), \"Mali-G310\" (Integrated, Vulkan 1.3)"));
        assert!(
            chosen(&[], None)
                .expect_err("none")
                .contains("no driver is installed")
        );
    }
}
