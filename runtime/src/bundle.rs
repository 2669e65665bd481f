//! Loads a compiled bundle and calls its functions: buffers are checked against the manifest before compiled code sees them.
//!
//! Functions on a CPU are called through [`Function`]. Those on a GPU are data, [`GpuFunction`], which `vulkan::Program` takes.

mod elf;
mod error;
mod gpu;

use crate::cpu::{CpuFeatures, Feature, request_tiles};
use crate::ffi::{Entry, Library, SpecPool};
use crate::manifest::{self, Function as Described, Manifest, Slot};
use crate::memory::{Memory, MemoryError};
use crate::pool::{Pool, Team};
use std::path::Path;
use std::sync::Arc;

pub use elf::ElfError;
pub use error::{BundleError, CallError};
pub use gpu::GpuFunction;

/// A buffer of a call.
#[derive(Debug)]
pub enum Buffer<'a> {
    /// An argument that is only read.
    Read(&'a [u8]),
    /// A result, or an argument; needed if it is updated in place.
    Write(&'a mut [u8]),
}

impl Buffer<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Write(bytes) => bytes,
        }
    }
}

/// Scratch memory of calls, aligned to 64 bytes at least; it may be used for many functions, one call at a time.
#[derive(Debug)]
pub struct Workspace(Memory);

impl Workspace {
    /// Room for each of `functions`.
    ///
    /// # Errors
    /// [`MemoryError::Full`].
    pub fn new<'a>(functions: impl IntoIterator<Item = &'a Function>) -> Result<Self, MemoryError> {
        let most = functions.into_iter().map(|f| f.workspace).max();
        Memory::huge(most.unwrap_or(0)).map(Self)
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.bytes().len()
    }
}

/// A loaded bundle.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    functions: Vec<Function>,
    gpu_functions: Vec<GpuFunction>,
}

/// A function of a bundle; it keeps the library loaded.
#[derive(Clone, Debug)]
pub struct Function {
    name: String,
    slots: Arc<[Slot]>,
    workspace: usize,
    entry: Entry,
    _library: Arc<Library>,
}

impl Bundle {
    /// Loads the bundle in `folder`. This runs the library's initialisers and trusts its code: load only bundles that you would
    /// run as programs.
    ///
    /// # Errors
    /// [`BundleError`]: files are missing or damaged, or made for another version, machine or processor.
    pub fn load(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join(manifest::FILE_NAME);
        let text = read(&path).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|e| BundleError::Read {
                path: path.clone(),
                source: std::io::Error::new(std::io::ErrorKind::InvalidData, e),
            })
        })?;
        let manifest =
            Manifest::from_json(&text).map_err(|source| BundleError::Manifest { path, source })?;
        let functions = load_library(folder, &manifest)?;
        Ok(Self {
            functions,
            gpu_functions: gpu::load(folder, &manifest)?,
            manifest,
        })
    }

    /// What the bundle holds.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// All functions on a CPU, in the manifest's order.
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The function `name`, on a CPU.
    ///
    /// # Errors
    /// [`BundleError::NoFunction`].
    pub fn function(&self, name: &str) -> Result<&Function, BundleError> {
        let found = self.functions.iter().find(|f| f.name == name);
        found.ok_or_else(|| self.no_function(name, "CPU"))
    }

    /// All functions on a GPU, in the manifest's order.
    pub fn gpu_functions(&self) -> &[GpuFunction] {
        &self.gpu_functions
    }

    /// The function `name`, on a GPU.
    ///
    /// # Errors
    /// [`BundleError::NoFunction`].
    pub fn gpu_function(&self, name: &str) -> Result<&GpuFunction, BundleError> {
        let found = self.gpu_functions.iter().find(|f| f.name() == name);
        found.ok_or_else(|| self.no_function(name, "GPU"))
    }

    fn no_function(&self, name: &str, place: &'static str) -> BundleError {
        let all = self.manifest.functions.iter();
        let known: Vec<String> = all
            .map(|f| match f.gpu {
                Some(_) => format!("{} (GPU)", f.name),
                None => format!("{} (CPU)", f.name),
            })
            .collect();
        BundleError::NoFunction {
            name: name.to_owned(),
            place,
            known: known.join(", "),
        }
    }
}

/// The functions of the library, if there is one.
fn load_library(folder: &Path, manifest: &Manifest) -> Result<Vec<Function>, BundleError> {
    let (Some(described), Some(target)) = (&manifest.library, &manifest.target) else {
        return Ok(vec![]);
    };
    check_target(target)?;
    let path = folder.join(&described.file);
    check_library(&path, described)?;
    // The loader looks for a name without a slash in its own folders.
    let path = path.canonicalize().map_err(|source| BundleError::Read {
        path: path.clone(),
        source,
    })?;
    let library = Library::open(&path).map_err(|e| BundleError::Load {
        path: path.clone(),
        reason: reason(&e),
    })?;
    let library = Arc::new(library);
    let functions = manifest.functions.iter();
    functions
        .filter_map(|f| Some((f, f.symbol.as_deref()?)))
        .map(|(f, symbol)| Function::find(f, symbol, &library, &path))
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    std::fs::read(path).map_err(|source| BundleError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file and compares its length and checksum.
fn read_checked(path: &Path, described: &manifest::File) -> Result<Vec<u8>, BundleError> {
    let bytes = read(path)?;
    let found_crc32 = crc32fast::hash(&bytes);
    let found_bytes = bytes.len() as u64;
    if (found_bytes, found_crc32) != (described.bytes, described.crc32) {
        return Err(BundleError::Checksum {
            path: path.to_owned(),
            found_bytes,
            found_crc32,
            bytes: described.bytes,
            crc32: described.crc32,
        });
    }
    Ok(bytes)
}

/// Length, checksum and kind of the library: the loader itself crashes on a file that is cut off.
fn check_library(path: &Path, described: &manifest::File) -> Result<(), BundleError> {
    let bytes = read_checked(path, described)?;
    elf::check(&bytes).map_err(|source| BundleError::Elf {
        path: path.to_owned(),
        source,
    })
}

fn check_target(target: &manifest::Target) -> Result<(), BundleError> {
    use std::env::consts::{ARCH, OS};
    let arch = target.triple.split('-').next();
    if arch != Some(ARCH) || !target.triple.contains(OS) {
        return Err(BundleError::Triple {
            triple: target.triple.clone(),
            arch: ARCH,
            os: OS,
        });
    }
    if target.features.is_empty() {
        return Ok(());
    }
    let host = CpuFeatures::host()?;
    for feature in &target.features {
        let why = match host.get(feature) {
            Feature::Usable | Feature::Unknown => continue,
            Feature::OnRequest => {
                request_tiles()?;
                continue;
            }
            Feature::Absent => "lacks".to_owned(),
            Feature::Broken(signal) => {
                let signal = signal.map_or(String::new(), |s| format!(" (signal {s})"));
                format!("advertises, but does not execute{signal}")
            }
        };
        return Err(BundleError::Feature {
            feature: feature.clone(),
            why,
        });
    }
    Ok(())
}

/// The loader's words: the innermost cause of an error.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), reason)
}

impl Function {
    fn find(
        described: &Described,
        symbol: &str,
        library: &Arc<Library>,
        path: &Path,
    ) -> Result<Self, BundleError> {
        let wrong = |source| BundleError::Manifest {
            path: path.to_owned(),
            source,
        };
        let entry = library.entry(symbol);
        Ok(Self {
            name: described.name.clone(),
            slots: described.slots().map_err(wrong)?.into(),
            workspace: described.workspace_bytes as usize, // `Manifest::check`: it fits
            entry: entry.ok_or_else(|| BundleError::Symbol {
                path: path.to_owned(),
                symbol: symbol.to_owned(),
                function: described.name.clone(),
            })?,
            _library: Arc::clone(library),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The buffers that a call takes, in order: arguments, then results that are not an argument.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Bytes of scratch memory that a call needs.
    pub fn workspace_bytes(&self) -> usize {
        self.workspace
    }

    /// Calls the function on the cores of `pool` (`None`: one core). The compiled code allocates nothing; this wrapper makes a list
    /// of pointers.
    ///
    /// # Errors
    /// [`CallError`]: buffers that are not as the manifest says, or a status of the model.
    pub fn call(
        &self,
        buffers: &mut [Buffer<'_>],
        workspace: &mut Workspace,
        pool: Option<&Pool>,
    ) -> Result<(), CallError> {
        self.call_raw(buffers, workspace, pool.map(Pool::raw))
    }

    /// As [`Function::call`], on the threads of a team.
    ///
    /// # Errors
    /// As [`Function::call`].
    pub fn call_on(
        &self,
        buffers: &mut [Buffer<'_>],
        workspace: &mut Workspace,
        team: &Team,
    ) -> Result<(), CallError> {
        self.call_raw(buffers, workspace, Some(team.raw()))
    }

    fn call_raw(
        &self,
        buffers: &mut [Buffer<'_>],
        workspace: &mut Workspace,
        pool: Option<SpecPool>,
    ) -> Result<(), CallError> {
        let function = || self.name.clone();
        if buffers.len() != self.slots.len() {
            return Err(CallError::Count {
                function: function(),
                expected: self.slots.len(),
                found: buffers.len(),
            });
        }
        if workspace.bytes() < self.workspace {
            return Err(CallError::Workspace {
                function: function(),
                expected: self.workspace,
                found: workspace.bytes(),
            });
        }
        let mut pointers = Vec::with_capacity(buffers.len());
        for (slot, buffer) in self.slots.iter().zip(buffers) {
            self.check(slot, buffer)?;
            pointers.push(match buffer {
                Buffer::Read(bytes) => bytes.as_ptr().cast_mut().cast(),
                Buffer::Write(bytes) => bytes.as_mut_ptr().cast(),
            });
        }
        let workspace = workspace.0.bytes_mut().as_mut_ptr().cast();
        match self.entry.call(&pointers, workspace, pool.as_ref()) {
            0 => Ok(()),
            1 => Err(CallError::BadToken {
                function: function(),
            }),
            2 => Err(CallError::Assertion {
                function: function(),
            }),
            status => Err(CallError::Status {
                function: function(),
                status,
            }),
        }
    }

    fn check(&self, slot: &Slot, buffer: &Buffer<'_>) -> Result<(), CallError> {
        let bytes = buffer.bytes();
        let function = || self.name.clone();
        let slot_name = || {
            let kind = if slot.is_result { "result" } else { "argument" };
            format!("{kind} {}", slot.index)
        };
        if bytes.len() != slot.bytes {
            return Err(CallError::Length {
                function: function(),
                slot: slot_name(),
                expected: slot.bytes,
                found: bytes.len(),
            });
        }
        if bytes.as_ptr().align_offset(slot.dtype.bytes()) != 0 {
            return Err(CallError::Alignment {
                function: function(),
                slot: slot_name(),
                expected: slot.dtype.bytes(),
            });
        }
        if slot.written && matches!(buffer, Buffer::Read(_)) {
            return Err(CallError::ReadOnly {
                function: function(),
                slot: slot_name(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
