//! What a bundle's models on a GPU share: the device, the weights there, and the kernels.

use super::signature::{Model, Signature, Use};
use super::store::Store;
use super::{LoadError, Loaded, VulkanOptions};
use crate::forward::Forward;
use crate::forward::covered::Covered;
use crate::forward::vulkan::VulkanModel;
use crate::vulkan::{DeviceBuffer, Gpu, Kernels, Kind, Options};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A GPU that is open, with the weights and kernels on it.
#[derive(Debug)]
pub(crate) struct Shared {
    gpu: Gpu,
    import: bool,
    /// By first byte and end in the store.
    weights: HashMap<(usize, usize), DeviceBuffer>,
    /// By the function's name.
    kernels: Mutex<HashMap<String, Kernels>>,
}

impl Shared {
    pub(super) fn open(options: Option<&VulkanOptions>) -> Result<Self, LoadError> {
        let options = options.cloned().unwrap_or_default();
        let mut gpu = Gpu::open(&Options {
            device: options.device,
            validation: options.validation,
            timeout: options.timeout,
            library: options.library,
        })?;
        if options.staging {
            gpu = gpu.with_staging();
        }
        Ok(Self {
            gpu,
            import: options.import && !options.staging,
            weights: HashMap::new(),
            kernels: Mutex::default(),
        })
    }

    /// The device.
    pub(crate) fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Whether weights are likely to be used where they lie in the host's memory.
    pub(super) fn imports(&self) -> bool {
        let properties = self.gpu.properties();
        let shares = matches!(properties.kind, Kind::Integrated | Kind::Cpu);
        self.import && shares && properties.import_alignment.is_some()
    }

    /// Puts the weights of these models on the device.
    pub(super) fn take_weights<'a>(
        &mut self,
        store: &Store,
        models: impl Iterator<Item = &'a Model>,
    ) -> Result<(), LoadError> {
        let uses = models.flat_map(|m| &m.functions).flat_map(|f| &f.uses);
        let ranges: BTreeSet<(usize, usize)> = uses
            .filter_map(|u| match u {
                Use::Weight(range) => Some((range.start, range.end)),
                _ => None,
            })
            .collect();
        let wanted: Vec<Range<usize>> = ranges.iter().map(|(from, to)| *from..*to).collect();
        let buffers = self.gpu.weights(store.weights(), &wanted, self.import)?;
        self.weights = ranges.into_iter().zip(buffers).collect();
        Ok(())
    }

    /// Whether weights are used where they lie in the host's memory.
    pub(super) fn has_imported(&self) -> bool {
        self.weights.values().any(DeviceBuffer::is_imported)
    }

    /// The buffer of a weight.
    pub(crate) fn weight(&self, range: &Range<usize>) -> Option<&DeviceBuffer> {
        self.weights.get(&(range.start, range.end))
    }

    /// The kernels of a function, made once.
    pub(crate) fn kernels(
        &self,
        loaded: &Loaded,
        signature: &Signature,
    ) -> Result<Kernels, LoadError> {
        let mut all = self.kernels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kernels) = all.get(&signature.name) {
            return Ok(kernels.clone());
        }
        let function = loaded.bundle().gpu_function(&signature.name)?;
        let made = Kernels::new(
            &self.gpu,
            function.spirv(),
            function.schedule(),
            function.constants(),
        )?;
        all.insert(signature.name.clone(), made.clone());
        Ok(made)
    }
}

pub(super) fn instance(
    loaded: &Arc<Loaded>,
    model: &Arc<Model>,
) -> Result<Box<dyn Forward>, LoadError> {
    let shared = loaded.gpu().ok_or(LoadError::NoModel {
        role: super::error::name(model.role),
    })?;
    Ok(Box::new(Covered(VulkanModel::new(loaded, shared, model)?)))
}
