//! Makes the weights and writes them, one after the other, into one file.

use crate::error::WeightsError;
use crate::plan::{Job, Make, Quantise};
use crate::report::Line;
use crate::source::{Sources, Tensor};
use spec_runtime::manifest::DType;
use spec_runtime::quantize::{
    Errors, INDEX_VERSION, Matrix, StoredWeight, WeightIndex, convert, quantise_on,
};
use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that appears whole or not at all.
pub struct Whole {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Whole {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn new(path: &Path) -> Result<Self, WeightsError> {
        let folder = match path.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        // as any file that a program makes: the umask applies
        let mut builder = tempfile::Builder::new();
        let builder = builder.permissions(Permissions::from_mode(0o666));
        let file = builder
            .tempfile_in(folder)
            .map_err(WeightsError::writing(path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 20, file),
        })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.file
            .write_all(bytes)
            .map_err(WeightsError::writing(&self.path))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// It cannot be written, or put there.
    pub fn finish(self) -> Result<(), WeightsError> {
        let file = self.file.into_inner();
        let file = file.map_err(|e| WeightsError::writing(&self.path)(e.into_error()))?;
        let kept = file.persist(&self.path);
        kept.map_err(|e| WeightsError::writing(&self.path)(e.error))?;
        Ok(())
    }
}

/// The file of weights while it grows.
struct Output {
    file: Whole,
    at: u64,
    crc: crc32fast::Hasher,
    weights: Vec<StoredWeight>,
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> Result<(), WeightsError> {
        self.crc.update(bytes);
        self.at += bytes.len() as u64;
        self.file.write(bytes)
    }

    /// Starts a weight at the next aligned place.
    fn begin(&mut self, name: &str, dtype: DType, shape: &[u64]) -> Result<(), WeightsError> {
        let gap = self.at.next_multiple_of(WeightIndex::ALIGNMENT) - self.at;
        self.write(&vec![0; gap as usize])?;
        self.weights.push(StoredWeight {
            name: name.to_owned(),
            dtype,
            shape: shape.to_vec(),
            offset: self.at,
            bytes: shape.iter().product::<u64>() * dtype.bytes() as u64,
        });
        Ok(())
    }
}

/// What was written.
pub struct Written {
    /// Where everything is.
    pub index: WeightIndex,
    /// Path of the index.
    pub index_path: PathBuf,
    /// What was lost, by weight.
    pub lines: Vec<Line>,
    /// Files about texts.
    pub text: Vec<PathBuf>,
}

/// Writes all weights to `path` and the index beside it; neither appears before all is done.
///
/// # Errors
/// See [`WeightsError`].
pub fn write(
    jobs: &[Job],
    sources: &Sources,
    threads: usize,
    path: &Path,
) -> Result<Written, WeightsError> {
    let mut out = Output {
        file: Whole::new(path)?,
        at: 0,
        crc: crc32fast::Hasher::new(),
        weights: vec![],
    };
    let mut lines = vec![];
    for job in jobs {
        let found = sources.find(job)?;
        let tensor = found.tensor();
        let errors = match &job.make {
            Make::Copy => copy(job, &tensor, &mut out)?,
            Make::Quantise(q) => Some(quantise(job, q, &tensor, threads, &mut out)?),
        };
        lines.push(Line::new(job, tensor.dtype, errors));
    }
    let index_path = path.with_extension("json");
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
    let index = WeightIndex {
        format_version: INDEX_VERSION,
        file: name.unwrap_or_default(),
        bytes: out.at,
        crc32: out.crc.finalize(),
        weights: out.weights,
    };
    let mut index_file = Whole::new(&index_path)?;
    index_file.write(index.to_json()?.as_bytes())?;
    out.file.finish()?;
    index_file.finish()?;
    Ok(Written {
        index,
        index_path,
        lines,
        text: vec![],
    })
}

/// As it is, or as another type of float, row by row.
fn copy(job: &Job, tensor: &Tensor, out: &mut Output) -> Result<Option<Errors>, WeightsError> {
    out.begin(&job.name, job.dtype, &job.shape)?;
    if tensor.dtype == job.dtype {
        out.write(tensor.bytes)?;
        return Ok(None);
    }
    let columns = job.shape.last().copied().unwrap_or(1);
    let columns = usize::try_from(columns).unwrap_or(usize::MAX).max(1);
    let elements = tensor.bytes.len() / tensor.dtype.bytes();
    let rows = elements / columns;
    let matrix = Matrix::new(
        &job.tensor,
        tensor.dtype,
        tensor.bytes,
        rows,
        columns,
        false,
    )?;
    let mut bytes = vec![0; elements * job.dtype.bytes()];
    let errors = convert(&matrix, job.dtype, &mut bytes)?;
    out.write(&bytes)?;
    Ok(Some(errors))
}

/// Integers matrix by matrix, then all scales.
fn quantise(
    job: &Job,
    q: &Quantise,
    tensor: &Tensor,
    threads: usize,
    out: &mut Output,
) -> Result<Errors, WeightsError> {
    out.begin(&job.name, job.dtype, &job.shape)?;
    let (row_weights, row_scales) = q.scheme.row_bytes(q.columns)?;
    let mut weights = vec![0; q.rows * row_weights];
    let mut scales = vec![0; q.stack * q.rows * row_scales];
    let mut errors = Errors::default();
    let matrix_bytes = q.rows * q.columns * tensor.dtype.bytes();
    let parts = scales.chunks_exact_mut(q.rows * row_scales);
    for (i, scales) in parts.enumerate() {
        let bytes = tensor.bytes.get(i * matrix_bytes..(i + 1) * matrix_bytes);
        let bytes = bytes.unwrap_or_default();
        let name = match q.stack {
            1 => job.tensor.clone(),
            _ => format!("{}[{i}]", job.tensor),
        };
        let matrix = Matrix::new(&name, tensor.dtype, bytes, q.rows, q.columns, q.transposed)?;
        errors.merge(&quantise_on(
            threads,
            &matrix,
            q.scheme,
            &mut weights,
            scales,
        )?);
        out.write(&weights)?;
    }
    out.begin(&q.scale.name, q.scale.dtype, &q.scale.shape)?;
    out.write(&scales)?;
    Ok(errors)
}
