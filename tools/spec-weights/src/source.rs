//! Where tensors come from: safetensors files, or folders of raw files.

use crate::error::WeightsError;
use crate::plan::Job;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata};
use spec_runtime::manifest::{DType, Role};
use spec_runtime::memory::Weights;
use std::path::{Component, Path, PathBuf};

/// A tensor as it lies in a file.
pub struct Tensor<'a> {
    /// Its type.
    pub dtype: DType,
    /// Its elements, little-endian.
    pub bytes: &'a [u8],
}

/// All files that were given.
#[derive(Default)]
pub struct Sources(Vec<Source>);

struct Source {
    role: Option<Role>,
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    /// A mapped file: its bytes, where tensors begin, what there is.
    Safetensors(Weights, usize, Box<Metadata>),
    Folder,
}

/// A raw file, mapped.
pub struct Raw(Weights);

/// What `find` found.
pub enum Found<'a> {
    /// A tensor of a safetensors file.
    Tensor(Tensor<'a>),
    /// A raw file of that type.
    Raw(Raw, DType),
}

impl Found<'_> {
    /// Type and bytes.
    pub fn tensor(&self) -> Tensor<'_> {
        match self {
            Found::Tensor(t) => Tensor { ..*t },
            Found::Raw(Raw(map), dtype) => Tensor {
                dtype: *dtype,
                bytes: map.bytes(),
            },
        }
    }
}

/// `drafter=PATH`, `target=PATH` or `PATH`.
pub fn role_and_path(flag: &str) -> (Option<Role>, PathBuf) {
    match flag.split_once('=') {
        Some(("drafter", path)) => (Some(Role::Drafter), path.into()),
        Some(("target", path)) => (Some(Role::Target), path.into()),
        _ => (None, flag.into()),
    }
}

fn map(path: &Path) -> Result<Weights, WeightsError> {
    let meta = std::fs::metadata(path).map_err(WeightsError::reading(path))?;
    let bytes = usize::try_from(meta.len()).unwrap_or(usize::MAX);
    Ok(Weights::map(path, 0, bytes)?)
}

impl Sources {
    /// Opens files and folders.
    ///
    /// # Errors
    /// A file cannot be read, or is not a whole safetensors file.
    pub fn open(
        files: &[(Option<Role>, PathBuf)],
        folders: &[(Option<Role>, PathBuf)],
    ) -> Result<Self, WeightsError> {
        let mut all = vec![];
        for (role, path) in files.iter().cloned() {
            let file = map(&path)?;
            let (header, metadata) =
                SafeTensors::read_metadata(file.bytes()).map_err(|e| WeightsError::Damaged {
                    path: path.clone(),
                    reason: format!(
                        "not a whole safetensors file ({e}); is the download complete?"
                    ),
                })?;
            let kind = Kind::Safetensors(file, header + 8, Box::new(metadata));
            all.push(Source { role, path, kind });
        }
        for (role, path) in folders.iter().cloned() {
            let meta = std::fs::metadata(&path).map_err(WeightsError::reading(&path))?;
            if !meta.is_dir() {
                let source = std::io::ErrorKind::NotADirectory.into();
                return Err(WeightsError::Read { path, source });
            }
            all.push(Source {
                role,
                path,
                kind: Kind::Folder,
            });
        }
        Ok(Self(all))
    }

    /// The tensor for a weight, in the first place that has it.
    ///
    /// # Errors
    /// It is nowhere, or has another shape or a type that does not fit.
    pub fn find(&self, job: &Job) -> Result<Found<'_>, WeightsError> {
        let fitting = || {
            self.0
                .iter()
                .filter(|s| s.role.is_none_or(|r| r == job.role))
        };
        for source in fitting() {
            let found = match &source.kind {
                Kind::Safetensors(file, start, metadata) => tensor(file, *start, metadata, job)?,
                Kind::Folder => raw(&source.path, job)?,
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        let known: Vec<String> = fitting().map(Source::contents).collect();
        let hint = if known.is_empty() {
            "no file was given for this role".to_owned()
        } else {
            format!("{}; give its name with --names", known.join("; "))
        };
        Err(WeightsError::Missing {
            tensor: job.tensor.clone(),
            weight: job.name.clone(),
            hint,
        })
    }
}

impl Source {
    /// For the error: a few names.
    fn contents(&self) -> String {
        let path = self.path.display();
        match &self.kind {
            Kind::Folder => format!("{path} has no such file"),
            Kind::Safetensors(_, _, metadata) => {
                let mut names: Vec<String> = metadata.tensors().into_keys().collect();
                names.sort();
                let n = names.len();
                names.truncate(3);
                format!("{path} has {n} tensors, such as {}", names.join(", "))
            }
        }
    }
}

/// The runtime's name of a type.
fn dtype(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::Bf16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::BOOL => DType::I1,
        _ => return None,
    })
}

fn tensor<'a>(
    file: &'a Weights,
    start: usize,
    metadata: &Metadata,
    job: &Job,
) -> Result<Option<Found<'a>>, WeightsError> {
    let Some(info) = metadata.info(&job.tensor) else {
        return Ok(None);
    };
    let found: Vec<u64> = info.shape.iter().map(|n| *n as u64).collect();
    if found != job.from_shape {
        return Err(WeightsError::Shape {
            tensor: job.tensor.clone(),
            found,
            expected: job.from_shape.clone(),
        });
    }
    let is_float = |d| matches!(d, DType::F32 | DType::F16 | DType::Bf16);
    let dtype = dtype(info.dtype).filter(|d| *d == job.from || is_float(*d) && is_float(job.from));
    let Some(dtype) = dtype else {
        return Err(WeightsError::Type {
            tensor: job.tensor.clone(),
            found: format!("{:?}", info.dtype),
            expected: job.from,
        });
    };
    let (from, to) = info.data_offsets;
    let bytes = file
        .bytes()
        .get(start + from..start + to)
        .unwrap_or_default();
    Ok(Some(Found::Tensor(Tensor { dtype, bytes })))
}

/// `NAME.bin` of a folder.
fn raw<'a>(folder: &Path, job: &Job) -> Result<Option<Found<'a>>, WeightsError> {
    let name = format!("{}.bin", job.tensor);
    let inside = Path::new(&name)
        .components()
        .all(|c| matches!(c, Component::Normal(_)));
    let path = folder.join(&name);
    if !inside || !path.exists() {
        return Ok(None);
    }
    let file = map(&path)?;
    let sizes = job
        .from_shape
        .iter()
        .try_fold(job.from.bytes() as u64, |a, b| a.checked_mul(*b));
    if sizes != Some(file.bytes().len() as u64) {
        return Err(WeightsError::Damaged {
            path,
            reason: format!(
                "{} bytes, where {:?} of {:?} are {}: truncated, or of another type",
                file.bytes().len(),
                job.from_shape,
                job.from,
                sizes.unwrap_or(u64::MAX)
            ),
        });
    }
    Ok(Some(Found::Raw(Raw(file), job.from)))
}
