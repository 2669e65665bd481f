//! The weights of a bundle, checked against its manifest.

use super::LoadError;
use crate::manifest::{Manifest, Weight};
use crate::memory::Weights;
use crate::quantize::{StoredWeight, WeightIndex};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Name of the index of the weights in a bundle's folder.
pub const INDEX_FILE: &str = "weights.json";

/// All weights of a bundle, each at a multiple of 64 bytes.
#[derive(Debug)]
pub(crate) struct Store {
    weights: Arc<Weights>,
    ranges: HashMap<String, Range<usize>>,
}

impl Store {
    /// Reads the weights that the manifest lists. `threads`: how many read the file.
    pub(super) fn open(
        folder: &Path,
        manifest: &Manifest,
        huge_pages: bool,
        verify: bool,
        threads: usize,
    ) -> Result<Self, LoadError> {
        if manifest.weights.is_empty() {
            return Ok(Self {
                weights: Arc::new(Weights::copy(&[])?),
                ranges: HashMap::new(),
            });
        }
        let path = folder.join(INDEX_FILE);
        let text = std::fs::read(&path).map_err(|source| LoadError::NoWeights {
            path: path.clone(),
            source,
        })?;
        let index = WeightIndex::from_json(&String::from_utf8_lossy(&text));
        let index = index.map_err(|source| LoadError::Index {
            path: path.clone(),
            source,
        })?;
        let ranges = ranges(&path, manifest, &index)?;
        let file = folder.join(&index.file);
        let weights = read(&file, &index, huge_pages, verify, threads)?;
        // `WeightIndex::from_json` has held ranges against the length that the index says, and `read` that against the file
        let ends = ranges.values().map(|r| r.end).max().unwrap_or(0);
        if ends > weights.bytes().len() {
            return Err(LoadError::WeightsFile {
                path: file,
                expected: format!("{ends} bytes at least"),
                found: format!("{} bytes", weights.bytes().len()),
            });
        }
        Ok(Self {
            weights: Arc::new(weights),
            ranges,
        })
    }

    /// Where a weight lies in [`Store::bytes`].
    pub(crate) fn range(&self, name: &str) -> Option<Range<usize>> {
        self.ranges.get(name).cloned()
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.weights.bytes()
    }

    /// The bytes of a range that [`Store::range`] gave.
    pub(crate) fn get(&self, range: &Range<usize>) -> &[u8] {
        self.bytes().get(range.clone()).unwrap_or_default()
    }

    /// Lets go of all bytes: the weights are elsewhere. [`Store::get`] finds nothing after that.
    #[cfg(feature = "vulkan")]
    pub(super) fn release(&mut self) -> Result<(), LoadError> {
        self.weights = Arc::new(Weights::copy(&[])?);
        Ok(())
    }

    /// The memory that all of them are in.
    #[cfg(feature = "vulkan")]
    pub(super) fn weights(&self) -> &Arc<Weights> {
        &self.weights
    }
}

/// The place of each weight of the manifest; the index may have more.
fn ranges(
    path: &Path,
    manifest: &Manifest,
    index: &WeightIndex,
) -> Result<HashMap<String, Range<usize>>, LoadError> {
    let stored: HashMap<&str, &StoredWeight> =
        index.weights.iter().map(|w| (w.name.as_str(), w)).collect();
    let place = |weight: &Weight| {
        let wrong = |problem: String| LoadError::Weight {
            path: path.to_owned(),
            name: weight.name.clone(),
            problem,
        };
        let found = stored.get(weight.name.as_str());
        let found =
            found.ok_or_else(|| wrong("is not there, and the manifest lists it".to_owned()))?;
        if (found.dtype, &found.shape) != (weight.dtype, &weight.shape) {
            return Err(wrong(format!(
                "is {:?} {:?}, the manifest says {:?} {:?}",
                found.dtype, found.shape, weight.dtype, weight.shape
            )));
        }
        let end = found.offset.checked_add(found.bytes);
        let start = usize::try_from(found.offset).ok();
        let range = start.zip(end.and_then(|e| usize::try_from(e).ok()));
        let (start, end) =
            range.ok_or_else(|| wrong("is beyond this machine's memory".to_owned()))?;
        Ok((weight.name.clone(), start..end))
    };
    manifest.weights.iter().map(place).collect()
}

fn read(
    path: &Path,
    index: &WeightIndex,
    huge_pages: bool,
    verify: bool,
    threads: usize,
) -> Result<Weights, LoadError> {
    let wrong = |expected, found| LoadError::WeightsFile {
        path: path.to_owned(),
        expected,
        found,
    };
    let found = std::fs::metadata(path).map_err(|source| LoadError::NoWeights {
        path: path.to_owned(),
        source,
    })?;
    if found.len() != index.bytes {
        let size = |n: u64| format!("{n} bytes");
        return Err(wrong(size(index.bytes), size(found.len())));
    }
    let bytes = usize::try_from(index.bytes).unwrap_or(usize::MAX);
    let (weights, crc32) = if huge_pages {
        let (weights, crc32) = Weights::read(path, bytes, threads)?;
        (weights, verify.then_some(crc32))
    } else {
        let weights = Weights::map(path, 0, bytes)?;
        let crc32 = verify.then(|| weights.crc32(threads));
        (weights, crc32)
    };
    if let Some(crc32) = crc32.filter(|c| *c != index.crc32) {
        let sum = |n: u32| format!("CRC-32 {n:08x}");
        return Err(wrong(sum(index.crc32), sum(crc32)));
    }
    Ok(weights)
}
