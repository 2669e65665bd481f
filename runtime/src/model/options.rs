//! How to load a model.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How to load a bundle with its weights.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Threads of each model on a CPU. None: the number of cores that the plan gives it; without a plan, all cores. More threads than
    /// cores are not bound to cores.
    pub threads: Option<usize>,
    /// Cores to use, in the system's numbering, the ones to use first at the start. Empty: those that the process may use, one
    /// thread of each core first, fast cores first.
    pub cores: Vec<usize>,
    /// Cores of units of the device file, by the unit's name as the plan has it; for other units, `cores`. On a system with fast and
    /// slow cores this says which are which.
    pub units: BTreeMap<String, Vec<usize>>,
    /// Whether threads are bound to their cores: workers for good, the calling thread during a call.
    pub pin: bool,
    /// Whether weights are copied into huge pages, which compiled code reads faster. If not, the file is mapped: loading is quicker,
    /// and processes share it.
    pub huge_pages: bool,
    /// Whether the file of the weights is compared with its checksum. Costs one reading of the file.
    pub verify: bool,
    /// The GPU, for bundles that use one. None: the defaults.
    pub vulkan: Option<VulkanOptions>,
}

impl Default for LoadOptions {
    /// The plan's cores, threads bound to them, weights in huge pages and verified, the best GPU.
    fn default() -> Self {
        Self {
            threads: None,
            cores: vec![],
            units: BTreeMap::new(),
            pin: true,
            huge_pages: true,
            verify: true,
            vulkan: None,
        }
    }
}

/// Which GPU to use, and how.
#[derive(Clone, Debug)]
pub struct VulkanOptions {
    /// Part of the device's name, in upper or lower case. None: the best one.
    pub device: Option<String>,
    /// Path of the Vulkan loader. None: the system's.
    pub library: Option<PathBuf>,
    /// Whether the validation layer watches. Slow.
    pub validation: bool,
    /// How long a call waits for the GPU.
    pub timeout: Duration,
    /// Whether the GPU may use the weights where they lie in the host's memory, without a copy, if it shares that memory.
    pub import: bool,
    /// Whether weights and caches go to memory that the host does not see, by way of another buffer, even where the host sees all
    /// memory. For tests of what cards with memory of their own need.
    pub staging: bool,
}

impl Default for VulkanOptions {
    /// The best device, no validation, two minutes, weights imported where that is possible, staging where it is needed.
    fn default() -> Self {
        Self {
            device: None,
            library: None,
            validation: false,
            timeout: Duration::from_secs(120),
            import: true,
            staging: false,
        }
    }
}

/// How to make an instance of a model; see [`Loaded::instance_with`](super::Loaded::instance_with).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstanceOptions {
    /// Threads on a CPU. None: as [`LoadOptions`] and the plan say.
    pub cores: Option<usize>,
    /// Whether it has threads of its own, so that both models can run at the same time: those of the drafter on cores after the
    /// target's. If not, models on the same cores share threads, and run one after the other.
    pub apart: bool,
}
