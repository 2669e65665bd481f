//! A compiled bundle with its weights, ready to run: the two models of a pair, each as a [`Forward`] with caches of its own.
//!
//! ```text
//! Loaded::open(folder) -> Arc<Loaded>             manifest, library or kernels, weights: once, shared by all
//!                         Loaded::instance(role)  a model with caches of its own, on the cores of the plan
//! ```
//!
//! Weights are read once, checked against manifest and checksum, and shared by all instances of both models. Models that run one
//! after the other on the same cores share a pool of threads, each with its own number of them. Sessions may run at the same time on
//! threads of the caller: each is right, and whoever finds the pool busy computes on its own thread meanwhile.

mod error;
#[cfg(feature = "vulkan")]
pub(crate) mod gpu;
mod options;
mod seats;
pub(crate) mod signature;
pub(crate) mod store;

use crate::bundle::Bundle;
use crate::forward::Forward;
use crate::forward::covered::Covered;
use crate::forward::cpu::CpuModel;
use crate::manifest::{Manifest, Role};
use seats::{Place, Seats};
use signature::Model;
use std::path::Path;
use std::sync::Arc;
use store::Store;

pub use error::LoadError;
pub use options::{InstanceOptions, LoadOptions, VulkanOptions};
pub use store::INDEX_FILE;

/// A bundle with its weights; shared by all that run it.
#[derive(Debug)]
pub struct Loaded {
    bundle: Bundle,
    store: Store,
    target: Option<Arc<Model>>,
    drafter: Option<Arc<Model>>,
    seats: Seats,
    overlapped: bool,
    #[cfg(feature = "vulkan")]
    gpu: Option<gpu::Shared>,
}

impl Loaded {
    /// Loads the bundle in `folder` and its weights, `weights.json` and the file that it names, as `spec-weights` writes them. This
    /// trusts the code of the bundle: load only bundles that you would run as programs.
    ///
    /// # Errors
    /// [`LoadError`]: files are missing, damaged, or of different bundles; the functions are not those of decoders with caches; cores
    /// or a GPU are missing; there is no room.
    pub fn open(folder: &Path, options: &LoadOptions) -> Result<Arc<Self>, LoadError> {
        let seats = Seats::new(options)?;
        let bundle = Bundle::load(folder)?;
        let manifest = bundle.manifest();
        let on_gpu = manifest.functions.iter().find(|f| f.gpu.is_some());
        #[cfg(feature = "vulkan")]
        let mut gpu = match on_gpu {
            Some(_) => Some(gpu::Shared::open(options.vulkan.as_ref())?),
            None => None,
        };
        #[cfg(not(feature = "vulkan"))]
        if let Some(function) = on_gpu {
            return Err(LoadError::NoVulkan(function.name.clone()));
        }
        #[cfg(feature = "vulkan")]
        let copy = (gpu.as_ref()).is_none_or(|g| g.imports() || !bundle.functions().is_empty());
        #[cfg(not(feature = "vulkan"))]
        let copy = true;
        // weights that only go to the GPU's own memory need not be copied on the way
        let huge_pages = options.huge_pages && copy;
        let readers = std::thread::available_parallelism().map_or(1, |n| n.get());
        #[cfg_attr(not(feature = "vulkan"), expect(unused_mut))]
        let mut store = Store::open(folder, manifest, huge_pages, options.verify, readers.min(8))?;
        let mut target = Model::find(manifest, &store, Role::Target)?;
        let drafter = Model::find(manifest, &store, Role::Drafter)?;
        if target.is_none() && drafter.is_none() {
            target = Model::find(manifest, &store, Role::None)?;
        }
        let plan = manifest.plan.as_ref();
        let overlapped = plan.is_some_and(|p| p.strategy == "overlapped");
        #[cfg(feature = "vulkan")]
        if let Some(gpu) = &mut gpu {
            let models = target.iter().chain(&drafter).filter(|m| m.gpu);
            gpu.take_weights(&store, models)?;
            if bundle.functions().is_empty() && !gpu.has_imported() {
                store.release()?; // no CPU needs them
            }
        }
        Ok(Arc::new(Self {
            target: target.map(Arc::new),
            drafter: drafter.map(Arc::new),
            bundle,
            store,
            seats,
            overlapped,
            #[cfg(feature = "vulkan")]
            gpu,
        }))
    }

    /// What the bundle holds.
    pub fn manifest(&self) -> &Manifest {
        self.bundle.manifest()
    }

    /// Number of logits of a token of the target, or of the only model.
    pub fn vocabulary(&self) -> usize {
        let first = self.target.iter().chain(&self.drafter).next();
        first.map_or(0, |m| m.vocabulary)
    }

    /// Rows of the caches: the most tokens of a sequence that both models, or the only one, have room for.
    pub fn context(&self) -> usize {
        let all = self.target.iter().chain(&self.drafter);
        all.map(|m| m.context).min().unwrap_or(0)
    }

    /// Whether there is a drafter.
    pub fn has_drafter(&self) -> bool {
        self.drafter.is_some()
    }

    /// Numbers of tokens that functions of a model take, ascending; none: there is no such model. Functions without a role, in a
    /// bundle without roles, are the target's.
    pub fn widths(&self, role: Role) -> &[usize] {
        self.find(role).map_or(&[], |m| m.widths.as_slice())
    }

    /// Where a model runs: `cpu`, or the name of the Vulkan device. None: there is no such model.
    pub fn device(&self, role: Role) -> Option<String> {
        let model = self.find(role)?;
        #[cfg(feature = "vulkan")]
        if model.gpu {
            return self.gpu.as_ref().map(|g| g.gpu().name().to_owned());
        }
        (!model.gpu).then(|| "cpu".to_owned())
    }

    /// Number of cores that an instance of a model has if nothing else is asked for; 0 on a GPU, and if there is no such model.
    pub fn cores(&self, role: Role) -> usize {
        self.find(role).map_or(0, |m| self.seats.threads(m))
    }

    /// What is not as asked for, and slower for it, since the last call: threads that could not be bound to their cores.
    pub fn warnings(&self) -> Vec<String> {
        self.seats.warnings()
    }

    /// A model with caches of its own, all zero. `cores`: how many it has on a CPU; `None`: as many as the plan and the options say. If
    /// the plan is an overlapped one, both models are [apart](InstanceOptions::apart).
    ///
    /// # Errors
    /// As [`Loaded::instance_with`].
    pub fn instance(
        self: &Arc<Self>,
        role: Role,
        cores: Option<usize>,
    ) -> Result<Box<dyn Forward>, LoadError> {
        let apart = self.overlapped;
        self.instance_with(role, &InstanceOptions { cores, apart })
    }

    /// A model with caches of its own, all zero.
    ///
    /// # Errors
    /// There is no such model; there is no room for its caches, or no core; the GPU does not take its kernels.
    pub fn instance_with(
        self: &Arc<Self>,
        role: Role,
        options: &InstanceOptions,
    ) -> Result<Box<dyn Forward>, LoadError> {
        let model = self.find(role);
        let model = model.ok_or(LoadError::NoModel {
            role: error::name(role),
        })?;
        #[cfg(feature = "vulkan")]
        if model.gpu {
            return gpu::instance(self, model);
        }
        let place = if options.apart {
            let target = self.target.as_deref();
            Place::Apart(target.filter(|_| role == Role::Drafter))
        } else {
            let others = self.target.iter().chain(&self.drafter);
            Place::Shared(others.map(|m| &**m).collect())
        };
        let team = self.seats.team(model, options.cores, &place)?;
        Ok(Box::new(Covered(CpuModel::new(self, model, team)?)))
    }

    /// Where messages of Vulkan's validation layer go; it outlives this. None: nothing runs on a GPU.
    #[cfg(feature = "vulkan")]
    pub fn vulkan_log(&self) -> Option<crate::vulkan::Log> {
        self.gpu.as_ref().map(|g| g.gpu().log())
    }

    /// What Vulkan's validation layer said since the last call. Always empty without validation.
    pub fn messages(&self) -> Vec<String> {
        #[cfg(feature = "vulkan")]
        if let Some(gpu) = &self.gpu {
            return gpu.gpu().messages();
        }
        vec![]
    }

    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    #[cfg(feature = "vulkan")]
    pub(crate) fn gpu(&self) -> Option<&gpu::Shared> {
        self.gpu.as_ref()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    fn find(&self, role: Role) -> Option<&Arc<Model>> {
        match role {
            Role::Drafter => self.drafter.as_ref(),
            Role::Target | Role::None => self.target.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
