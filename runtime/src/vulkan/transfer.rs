//! Bytes to and from buffers that the host does not see.

mod ffi;

use super::memory::{Purpose, Raw};
use super::{Gpu, VulkanError};
use ffi::{Copy, Work};
use std::ops::Range;
use std::sync::Arc;

/// Bytes that are copied at once.
const STEP: usize = 32 << 20;

/// Writes `bytes` to the start of a buffer that nothing uses yet.
pub(super) fn upload(gpu: &Gpu, pairs: &[(&Arc<Raw>, &[u8])]) -> Result<(), VulkanError> {
    let mut hidden = vec![];
    for (raw, bytes) in pairs {
        if raw.is_mapped() {
            raw.put(Some(bytes));
        } else if !bytes.is_empty() {
            hidden.push((*raw, *bytes));
        }
    }
    let most = hidden.iter().map(|(_, b)| b.len()).sum::<usize>().min(STEP);
    if most == 0 {
        return Ok(());
    }
    let stage = Arc::new(Raw::new(&gpu.device, most as u64, Purpose::Inputs)?);
    for batch in batches(hidden.iter().map(|(_, b)| b.len()), most) {
        let mut copies = vec![];
        let mut end = 0;
        {
            let mut memory = stage.write();
            for (index, range) in batch {
                let (raw, bytes) = hidden[index];
                memory[end..end + range.len()].copy_from_slice(&bytes[range.clone()]);
                copies.push(Copy {
                    from: Arc::clone(&stage),
                    to: Arc::clone(raw),
                    source: end as u64,
                    target: range.start as u64,
                    bytes: range.len() as u64,
                });
                end += range.len();
            }
        }
        ffi::run(&gpu.device, gpu.timeout, copies.into_iter().map(Work::Copy))?;
    }
    Ok(())
}

/// Parts of buffers of these lengths, in batches of at most `most` bytes.
fn batches(lengths: impl Iterator<Item = usize>, most: usize) -> Vec<Vec<(usize, Range<usize>)>> {
    let mut all = vec![];
    let (mut batch, mut room) = (vec![], most);
    for (index, length) in lengths.enumerate() {
        let mut from = 0;
        while from < length {
            let bytes = room.min(length - from);
            batch.push((index, from..from + bytes));
            from += bytes;
            room -= bytes;
            if room == 0 {
                all.push(std::mem::take(&mut batch));
                room = most;
            }
        }
    }
    if !batch.is_empty() {
        all.push(batch);
    }
    all
}

/// Fills buffers that nothing uses yet with zeros.
pub(super) fn clear(gpu: &Gpu, buffers: &[Arc<Raw>]) -> Result<(), VulkanError> {
    let mut work = vec![];
    for raw in buffers {
        if raw.is_mapped() {
            raw.put(None);
        } else {
            work.push(Work::Clear(Arc::clone(raw)));
        }
    }
    ffi::run(&gpu.device, gpu.timeout, work)
}

/// The bytes of a buffer. Waits for runs that use it.
pub(super) fn download(gpu: &Gpu, raw: &Arc<Raw>) -> Result<Vec<u8>, VulkanError> {
    if raw.is_mapped() || raw.len() == 0 {
        return Ok(raw.read().to_vec());
    }
    let stage = Arc::new(Raw::new(&gpu.device, raw.len() as u64, Purpose::Outputs)?);
    let copy = Copy {
        from: Arc::clone(raw),
        to: Arc::clone(&stage),
        source: 0,
        target: 0,
        bytes: raw.len() as u64,
    };
    let _reading = raw.read();
    ffi::run(&gpu.device, gpu.timeout, [Work::Copy(copy)])?;
    let bytes = stage.read().to_vec();
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_bytes_once() {
        assert_eq!(batches([0, 0].into_iter(), 4), [[]; 0]);
        let found = batches([3, 0, 6, 4].into_iter(), 4);
        let wanted = [
            vec![(0, 0..3), (2, 0..1)],
            vec![(2, 1..5)],
            vec![(2, 5..6), (3, 0..3)],
            vec![(3, 3..4)],
        ];
        assert_eq!(found, wanted);
    }
}
