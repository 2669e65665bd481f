//! Headers of safetensors files.

use super::json;
use crate::error::ImportError;
use crate::source::TensorInfo;
use safetensors::tensor::Metadata;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Longer headers are refused, as the safetensors library does.
const LONGEST_HEADER: u64 = 100_000_000;

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// All files with weights, absolute, and their tensors.
///
/// # Errors
/// There are none, one is missing, or one is not whole.
pub fn read(folder: &Path) -> Result<(Vec<PathBuf>, Vec<TensorInfo>), ImportError> {
    let whole = folder.join("model.safetensors");
    let index = folder.join("model.safetensors.index.json");
    let files = if whole.exists() {
        vec![whole]
    } else if index.exists() {
        shards(folder, &index)?
    } else {
        let problem = "no model.safetensors and no model.safetensors.index.json here: no weights";
        let hint = if folder.join("pytorch_model.bin").exists() {
            "; convert pytorch_model.bin with transformers' save_pretrained(safe_serialization=True)"
        } else {
            "; is the download complete?"
        };
        return Err(ImportError::damaged(folder, format!("{problem}{hint}")));
    };
    let mut tensors = vec![];
    let mut absolute = vec![];
    for path in files {
        tensors.extend(header(&path)?);
        absolute.push(path.canonicalize().map_err(ImportError::reading(&path))?);
    }
    Ok((absolute, tensors))
}

/// The files of an index.
fn shards(folder: &Path, path: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let index: Index = json(path)?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    let plain = |name: &String| {
        let mut parts = Path::new(name).components();
        matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        )
    };
    if let Some(name) = names.iter().find(|n| !plain(n)) {
        let reason = format!("{name:?} is no name of a file in this folder");
        return Err(ImportError::damaged(path, reason));
    }
    if names.is_empty() {
        return Err(ImportError::damaged(path, "it names no file: no weights"));
    }
    let missing: Vec<&str> = names
        .iter()
        .filter(|n| !folder.join(n).is_file())
        .map(|n| n.as_str())
        .collect();
    match missing[..] {
        [] => Ok(names.iter().map(|n| folder.join(n)).collect()),
        _ => {
            let (count, all) = (missing.len(), names.len());
            let missing = missing.join(", ");
            let reason =
                format!("{count} of its {all} files are not here ({missing}): download them");
            Err(ImportError::damaged(path, reason))
        }
    }
}

/// The tensors of one file, whose length must be what its header says.
fn header(path: &Path) -> Result<Vec<TensorInfo>, ImportError> {
    let reading = || ImportError::reading(path);
    let damaged = |what: String| {
        ImportError::damaged(
            path,
            format!("not a whole safetensors file ({what}); is the download complete?"),
        )
    };
    let mut file = File::open(path).map_err(reading())?;
    let found = file.metadata().map_err(reading())?.len();
    let mut length = [0; 8];
    if found < 8 {
        return Err(damaged(format!("{found} bytes")));
    }
    file.read_exact(&mut length).map_err(reading())?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER || length > found - 8 {
        return Err(damaged(format!(
            "a header of {length} bytes in a file of {found}"
        )));
    }
    let mut text = vec![];
    file.take(length)
        .read_to_end(&mut text)
        .map_err(reading())?;
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
    let expected = (metadata.data_len() as u64).saturating_add(8 + length);
    if found != expected {
        return Err(damaged(format!(
            "{found} bytes, its header says {expected}"
        )));
    }
    let info = |(name, t): (String, &safetensors::tensor::TensorInfo)| TensorInfo {
        name,
        shape: t.shape.iter().map(|n| *n as u64).collect(),
        dtype: format!("{:?}", t.dtype),
    };
    Ok(metadata.tensors().into_iter().map(info).collect())
}
