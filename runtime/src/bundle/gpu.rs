//! Functions of a bundle that run on a GPU.

use super::{BundleError, read_checked};
use crate::manifest::{self, Function, GpuCode, Manifest, Slot};
use crate::schedule::Schedule;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// A function of a bundle for a GPU: what `vulkan::Program::new` takes.
#[derive(Clone, Debug)]
pub struct GpuFunction {
    described: Function,
    code: GpuCode,
    slots: Arc<[Slot]>,
    spirv: Arc<[u8]>,
    constants: Arc<[u8]>,
}

impl GpuFunction {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.described.name
    }

    /// Its kernels: a SPIR-V module, words in little-endian order. Functions of a unit share it.
    pub fn spirv(&self) -> &[u8] {
        &self.spirv
    }

    /// Its constants; empty if there are none.
    pub fn constants(&self) -> &[u8] {
        &self.constants
    }

    /// What a call runs. Argument i is slot i.
    pub fn schedule(&self) -> &Schedule {
        &self.code.schedule
    }

    /// The buffers that a call takes, in order: arguments, then results that are not an argument.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// What the manifest says of it.
    pub fn described(&self) -> &Function {
        &self.described
    }

    /// What the manifest says of its code.
    pub fn code(&self) -> &GpuCode {
        &self.code
    }
}

/// The functions on GPUs, with their files; each file is read once.
pub(super) fn load(folder: &Path, manifest: &Manifest) -> Result<Vec<GpuFunction>, BundleError> {
    let mut files: HashMap<&str, Arc<[u8]>> = HashMap::new();
    let mut functions = vec![];
    for (described, code) in (manifest.functions.iter()).filter_map(|f| Some((f, f.gpu.as_ref()?)))
    {
        for file in code.files() {
            if !files.contains_key(file.file.as_str()) {
                let bytes = read_checked(&folder.join(&file.file), file)?;
                files.insert(&file.file, bytes.into());
            }
        }
        let contents = |file: &manifest::File| files.get(file.file.as_str()).cloned();
        let slots = described.slots().map_err(|source| BundleError::Manifest {
            path: folder.join(manifest::FILE_NAME),
            source,
        })?;
        functions.push(GpuFunction {
            described: described.clone(),
            code: code.clone(),
            slots: slots.into(),
            spirv: contents(&code.spirv).unwrap_or_default(),
            constants: code
                .constants
                .as_ref()
                .and_then(contents)
                .unwrap_or_default(),
        });
    }
    Ok(functions)
}
