//! Offsets in one arena for buffers with live ranges.

use spec_dialect::ffi::Op;

/// A buffer, alive from `first` to `last` (both included).
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    pub(super) alloc: Op,
    pub(super) bytes: u64,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Where buffers go.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Byte offset of each buffer.
    pub(super) offsets: Vec<u64>,
    /// Size of the arena.
    pub(super) bytes: u64,
}

/// Best fit in order of birth: a buffer takes the smallest hole that the dead have left, or the end. Offsets are multiples of `alignment`, the
/// first of which is left free.
pub(super) fn assign<'a>(buffers: impl Iterator<Item = &'a Buffer>, alignment: u64) -> Plan {
    let reserved = alignment;
    let buffers: Vec<&Buffer> = buffers.collect();
    let mut by_birth: Vec<usize> = (0..buffers.len()).collect();
    by_birth.sort_by_key(|i| (buffers[*i].first, *i));
    let mut offsets = vec![0; buffers.len()];
    let mut alive: Vec<(u64, u64, usize)> = vec![]; // offset, end, last; by offset
    let mut bytes = reserved;
    for i in by_birth {
        let buffer = buffers[i];
        alive.retain(|(_, _, last)| *last >= buffer.first);
        let size = buffer.bytes.next_multiple_of(alignment).max(alignment);
        let offset = smallest_hole(&alive, size, reserved);
        let at = alive.partition_point(|(o, _, _)| *o < offset);
        alive.insert(at, (offset, offset + size, buffer.last));
        offsets[i] = offset;
        bytes = bytes.max(offset + size);
    }
    Plan { offsets, bytes }
}

fn smallest_hole(alive: &[(u64, u64, usize)], size: u64, reserved: u64) -> u64 {
    let mut best: Option<(u64, u64)> = None;
    let mut free = reserved;
    for (offset, end, _) in alive {
        let hole = offset - free;
        if hole >= size && best.is_none_or(|(b, _)| hole < b) {
            best = Some((hole, free));
        }
        free = *end;
    }
    best.map_or(free, |(_, offset)| offset)
}
