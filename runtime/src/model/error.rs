//! Why a model cannot be loaded.

use crate::bundle::BundleError;
use crate::manifest::Role;
use crate::memory::MemoryError;
use crate::pool::PoolError;
use crate::quantize::IndexError;
use std::path::PathBuf;

/// Why a bundle cannot be loaded with its weights, or a model of it not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bundle itself.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// No room, or a file that cannot be read.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Threads.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The index of the weights cannot be read.
    #[error(
        "cannot read {}: {source}; write the weights of this bundle with spec-weights --manifest manifest.json",
        path.display()
    )]
    NoWeights {
        /// The index.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The index of the weights is damaged.
    #[error("{}: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        source: IndexError,
    },
    /// A weight of the bundle is not in the index, or is another one there.
    #[error(
        "{}: weight {name:?} {problem}: the weights are of another bundle; write those of this one with spec-weights",
        path.display()
    )]
    Weight {
        /// The index.
        path: PathBuf,
        /// Name of the weight.
        name: String,
        /// How index and manifest differ.
        problem: String,
    },
    /// The file with the weights is not the one that the index describes.
    #[error(
        "{} has {found}, its index says {expected}: it is truncated, damaged, or of another bundle; copy it again, or write it with spec-weights",
        path.display()
    )]
    WeightsFile {
        /// The file.
        path: PathBuf,
        /// What the index says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The bundle has no function of a model.
    #[error(
        "the bundle has no {role}: compile a module that has one (a drafter that the plan does not use is kept with --keep-drafter)"
    )]
    NoModel {
        /// `target` or `drafter`.
        role: &'static str,
    },
    /// A function is not one of a decoder with caches.
    #[error(
        "function {function}: {problem}; this runtime calls functions (tokens, position, caches, weights) -> (logits, caches) whose caches are updated in place"
    )]
    Function {
        /// The function.
        function: String,
        /// What is not as it must be.
        problem: String,
    },
    /// No cores to run on.
    #[error("there is no core for {0}: name some, each once")]
    Cores(String),
    /// Functions for a GPU, and a runtime without.
    #[error(
        "function {0} is for a GPU, this runtime was built without Vulkan: build it with the feature `vulkan`, or compile the model for a CPU"
    )]
    NoVulkan(String),
    /// The GPU.
    #[cfg(feature = "vulkan")]
    #[error(transparent)]
    Vulkan(#[from] crate::vulkan::VulkanError),
}

/// The role's name, as users write it.
pub(super) fn name(role: Role) -> &'static str {
    match role {
        Role::Drafter => "drafter",
        Role::Target => "target",
        Role::None => "model",
    }
}
