//! Writes a GGUF file's tensors as safetensors, a few rows at a time.

use super::Gguf;
use super::names::{self, Named};
use super::types::Format;
use crate::error::ImportError;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Values made at a time, at least one row.
const PIECE: usize = 1 << 18;

/// Type in which a tensor is written.
fn dtype(format: Format) -> (Dtype, usize) {
    match format {
        Format::F32 => (Dtype::F32, 4),
        Format::Bf16 => (Dtype::BF16, 2),
        Format::F16 | Format::Blocks(_) => (Dtype::F16, 2),
    }
}

/// One tensor to write.
struct Job<'a> {
    tensor: Named<'a>,
    rows: usize,
    columns: usize,
}

/// See [`Gguf::write_safetensors`].
pub(super) fn write(
    file: &Gguf,
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), ImportError> {
    let config = file.config()?;
    let mut jobs: Vec<Job<'_>> = names::all(file, &config)?.into_iter().map(job).collect();
    // wide types first, so that every tensor is aligned to its type
    jobs.sort_by(|a, b| {
        let width = |j: &Job<'_>| dtype(j.tensor.stored.format).1;
        width(b)
            .cmp(&width(a))
            .then_with(|| a.tensor.name.cmp(&b.tensor.name))
    });
    let (header, all) = header(&jobs).map_err(|e| ImportError::damaged(&file.path, e))?;
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // as any file that a program makes: the umask applies
    let mut builder = tempfile::Builder::new();
    let out = builder
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder);
    let mut out = BufWriter::with_capacity(1 << 20, out.map_err(ImportError::writing(path))?);
    out.write_all(&header).map_err(ImportError::writing(path))?;
    let mut done = 0;
    progress(done, all);
    for job in &jobs {
        for piece in pieces(job) {
            let bytes = piece_bytes(file, job, piece, config.head_dim)?;
            out.write_all(&bytes).map_err(ImportError::writing(path))?;
            done += bytes.len() as u64;
            progress(done, all);
        }
    }
    let out = out
        .into_inner()
        .map_err(|e| ImportError::writing(path)(e.into_error()))?;
    out.persist(path)
        .map_err(|e| ImportError::writing(path)(e.error))?;
    Ok(())
}

/// A vector of paired heads counts as a column: its values move as rows do.
fn job(tensor: Named<'_>) -> Job<'_> {
    let count = tensor.stored.dims.iter().product::<usize>();
    let columns = match &*tensor.stored.dims {
        [_] if tensor.paired_heads.is_some() => 1,
        [columns, ..] => *columns,
        [] => 1,
    };
    let rows = count / columns.max(1);
    Job {
        tensor,
        rows,
        columns,
    }
}

/// The file's first bytes, and the number of those that follow.
fn header(jobs: &[Job<'_>]) -> Result<(Vec<u8>, u64), String> {
    let mut tensors = vec![];
    let mut at = 0usize;
    for Job {
        tensor,
        rows,
        columns,
    } in jobs
    {
        let (dtype, width) = dtype(tensor.stored.format);
        let end = rows
            .checked_mul(*columns)
            .and_then(|n| n.checked_mul(width))
            .and_then(|n| n.checked_add(at));
        let end = end.ok_or_else(|| format!("tensor {:?} is too large", tensor.name))?;
        let info = TensorInfo {
            dtype,
            shape: tensor.stored.dims.iter().rev().copied().collect(),
            data_offsets: (at, end),
        };
        at = end;
        tensors.push((tensor.name.clone(), info));
    }
    let metadata = Metadata::new(None, tensors).map_err(|e| e.to_string())?;
    let mut text = serde_json::to_vec(&metadata).map_err(|e| e.to_string())?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text);
    Ok((bytes, at as u64))
}

/// Ranges of rows.
fn pieces(job: &Job<'_>) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (rows, step) = (job.rows, (PIECE / job.columns.max(1)).max(1));
    (0..rows)
        .step_by(step)
        .map(move |from| from..(from + step).min(rows))
}

/// The bytes of some rows as they are written.
fn piece_bytes(
    file: &Gguf,
    job: &Job<'_>,
    rows: std::ops::Range<usize>,
    head_dim: usize,
) -> Result<Vec<u8>, ImportError> {
    let Named {
        name,
        stored,
        paired_heads,
    } = &job.tensor;
    let wrong = |e: &str| ImportError::damaged(&file.path, format!("tensor {name:?}: {e}"));
    let format = stored.format;
    if !job.columns.is_multiple_of(format.block()) {
        return Err(wrong("its rows are no whole blocks"));
    }
    let width = job.columns / format.block() * format.block_bytes();
    let raw = file.raw(stored);
    let mut taken = Vec::with_capacity(rows.len() * width);
    if paired_heads.is_some() {
        for row in rows {
            let from = names::unpaired(row, head_dim) * width;
            taken.extend_from_slice(
                raw.get(from..from + width)
                    .ok_or_else(|| wrong("it is too short"))?,
            );
        }
    } else {
        let part = raw.get(rows.start * width..rows.end * width);
        taken.extend_from_slice(part.ok_or_else(|| wrong("it is too short"))?);
    }
    let Format::Blocks(_) = format else {
        return Ok(taken);
    };
    let values = format.values(&taken).map_err(|e| wrong(&e))?;
    let mut bytes = Vec::with_capacity(2 * values.len());
    for value in values {
        let half = half::f16::from_f32(value);
        if half.is_infinite() && value.is_finite() {
            let reason = format!("tensor {name:?} has the value {value}, too large for F16");
            return Err(ImportError::unsupported(&file.path, reason));
        }
        bytes.extend(half.to_le_bytes());
    }
    Ok(bytes)
}
