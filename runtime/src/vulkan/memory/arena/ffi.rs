//! Many buffers in few pieces of memory.
#![allow(unsafe_code)]

use super::super::VulkanError;
use super::super::device::{Device, Kind};
use super::allocation::{Allocation, Bare, full};
use super::ffi::Raw;
use super::types::{Choice, Purpose, choices};
use crate::memory::Weights;
use ash::vk;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a piece of memory, if a buffer does not need more: drivers keep lists of pieces, and have at most some thousand.
const PIECE: u64 = 256 << 20;

/// A buffer for each of these lengths in bytes. Their memory is not cleared.
pub(in crate::vulkan) fn buffers(
    device: &Arc<Device>,
    lengths: &[u64],
    purpose: Purpose,
) -> Result<Vec<Raw>, VulkanError> {
    let bare = lengths.iter().map(|n| Bare::new(device, *n, false));
    let bare = bare.collect::<Result<Vec<_>, _>>()?;
    let total = lengths.iter().sum();
    let bits = bare
        .iter()
        .fold(u32::MAX, |all, b| all & b.needs.memory_type_bits);
    let needs: Vec<_> = bare
        .iter()
        .map(|b| (b.needs.size, b.needs.alignment))
        .collect();
    let places = places(&needs, PIECE.min(device.properties().max_allocation_bytes));
    let mut last = vk::Result::ERROR_OUT_OF_DEVICE_MEMORY;
    for choice in choices(&device.memory_types, bits, purpose) {
        match pieces(device, &places, &needs, choice) {
            Ok(pieces) => {
                let made = bare
                    .into_iter()
                    .zip(&places)
                    .map(|(bare, (piece, offset))| {
                        let allocation = pieces.get(*piece);
                        let allocation =
                            allocation.ok_or_else(|| full(device, total, "a piece is missing"))?;
                        // SAFETY: the type is one that all buffers can use; `places` gives each an aligned place of its own.
                        unsafe { bare.place(allocation, *offset) }
                    });
                return made.collect();
            }
            Err(error) => last = error,
        }
    }
    Err(full(device, total, &last.to_string()))
}

/// The memory of all pieces.
fn pieces(
    device: &Arc<Device>,
    places: &[(usize, u64)],
    needs: &[(u64, u64)],
    choice: Choice,
) -> Result<Vec<Arc<Allocation>>, vk::Result> {
    let mut bytes: Vec<u64> = vec![];
    for ((piece, offset), (size, _)) in places.iter().zip(needs) {
        if *piece >= bytes.len() {
            bytes.push(0);
        }
        if let Some(length) = bytes.get_mut(*piece) {
            *length = offset.saturating_add(*size).max(*length);
        }
    }
    let make = |n: &u64| Allocation::new(device, *n, choice);
    bytes.iter().map(make).collect()
}

/// For each buffer, of a size and an alignment, the number of its piece and its offset there. Pieces have at most `most` bytes, unless
/// one buffer has more.
fn places(needs: &[(u64, u64)], most: u64) -> Vec<(usize, u64)> {
    let (mut piece, mut end) = (0, 0_u64);
    let place = |(size, alignment): &(u64, u64)| {
        let offset = end.next_multiple_of((*alignment).max(1));
        let next = offset.saturating_add(*size);
        if end > 0 && next > most {
            piece += 1;
            end = *size;
            return (piece, 0);
        }
        end = next;
        (piece, offset)
    };
    needs.iter().map(place).collect()
}

/// Buffers that are these ranges of the host's memory, without a copy. None: the device cannot, or has its own memory, which is faster.
///
/// Kernels must not write to them.
pub(in crate::vulkan) fn import(
    device: &Arc<Device>,
    host: &Arc<Weights>,
    ranges: &[Range<usize>],
) -> Option<Vec<Raw>> {
    let functions = device.import.as_ref()?;
    let properties = device.properties();
    let alignment = usize::try_from(properties.import_alignment?).ok()?;
    let shares = match properties.kind {
        // drivers of GPUs do not take files
        Kind::Integrated => matches!(**host, Weights::Copied(_)),
        Kind::Cpu => true,
        _ => false,
    };
    let (start, bytes) = host.region(alignment).filter(|_| shares)?;
    if bytes as u64 > properties.max_allocation_bytes {
        return None;
    }
    let bare = ranges
        .iter()
        .map(|r| Bare::new(device, r.len() as u64, true));
    let bare = bare.collect::<Result<Vec<_>, _>>().ok()?;
    let fits = |(bare, range): (&Bare, &Range<usize>)| {
        let (offset, needs) = (range.start as u64, bare.needs);
        let end = offset.checked_add(needs.size);
        offset.is_multiple_of(needs.alignment.max(1)) && end.is_some_and(|e| e <= bytes as u64)
    };
    if !bare.iter().zip(ranges).all(fits) {
        return None;
    }
    let kind = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;
    let mut found = vk::MemoryHostPointerPropertiesEXT::default();
    let look = functions.fp().get_memory_host_pointer_properties_ext;
    // SAFETY: the device is alive and has the extension; the region is this process's memory, which `host` keeps.
    let result = unsafe { look(device.raw.handle(), kind, start.cast(), &mut found) };
    if result != vk::Result::SUCCESS {
        return None;
    }
    let bits = found.memory_type_bits;
    let bits = bare
        .iter()
        .fold(bits, |all, b| all & b.needs.memory_type_bits);
    let types = 0..device.memory_types.len().min(32) as u32;
    let index = types.into_iter().find(|i| bits >> i & 1 == 1)?;
    let mut pointer = vk::ImportMemoryHostPointerInfoEXT::default()
        .handle_type(kind)
        .host_pointer(start.cast_mut().cast());
    let info = vk::MemoryAllocateInfo::default()
        .allocation_size(bytes as u64)
        .memory_type_index(index)
        .push_next(&mut pointer);
    // SAFETY: start and length are multiples of what the device asks for, and inside of memory that the allocation keeps. Nobody
    // writes to it: kernels have it as arguments that are only read.
    let allocation = unsafe {
        let memory = device.raw.allocate_memory(&info, None).ok()?;
        Allocation::imported(device, memory, host)
    };
    let placed = bare.into_iter().zip(ranges).map(|(bare, range)| {
        // SAFETY: the type is one that all buffers can use; the places fit (above). Ranges that overlap are only read.
        unsafe { bare.place(&allocation, range.start as u64) }
    });
    placed.collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_aligned_apart_and_in_pieces() {
        let found = places(&[(10, 64), (100, 64), (1, 256), (0, 1)], 1000);
        assert_eq!(found, [(0, 0), (0, 64), (0, 256), (0, 257)]);
        let found = places(&[(600, 64), (600, 64), (5000, 64), (4, 64), (4, 64)], 1000);
        assert_eq!(found, [(0, 0), (1, 0), (2, 0), (3, 0), (3, 64)]);
        assert_eq!(places(&[], 10), []);
    }
}
