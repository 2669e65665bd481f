//! Bytes that a dispatch loads and stores.

use super::eval::{LANES, Lanes};
use super::prepare::{Access, Space};
use std::collections::BTreeMap;

/// Bytes of a line of a cache.
pub const LINE: u64 = 64;

/// Bytes in two directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Loaded.
    pub loaded: u64,
    /// Stored.
    pub stored: u64,
}

impl std::ops::AddAssign for Bytes {
    fn add_assign(&mut self, other: Self) {
        self.loaded += other.loaded;
        self.stored += other.stored;
    }
}

impl Bytes {
    /// `times` as many.
    pub fn times(self, times: u64) -> Self {
        Self {
            loaded: self.loaded * times,
            stored: self.stored * times,
        }
    }
}

/// What lanes ask for, and which lines that touches.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    /// Buffers; each lane's bytes count.
    pub(super) buffers: Bytes,
    /// Workgroup memory.
    pub(super) shared: Bytes,
    /// Registers that did not fit.
    pub(super) private: Bytes,
    /// Buffers, whole lines; each once an instruction of a warp.
    pub(super) lines: Bytes,
    /// Buffers; of accesses whose place is not known.
    pub(super) untraced: Bytes,
    /// Lines of each binding: loaded, stored.
    touched: BTreeMap<u32, [Vec<u64>; 2]>,
}

fn amount(access: &Access, bytes: u64) -> Bytes {
    Bytes {
        loaded: if access.loads { bytes } else { 0 },
        stored: if access.stores { bytes } else { 0 },
    }
}

impl Traffic {
    /// An access by the lanes of `mask`; with its place if that is to be looked at.
    pub(super) fn add(&mut self, access: &Access, mask: u16, place: Option<(u32, Lanes)>) {
        let asked = amount(
            access,
            u64::from(access.bytes) * u64::from(mask.count_ones()),
        );
        match access.space {
            Space::Buffer => self.buffers += asked,
            Space::Shared => self.shared += asked,
            Space::Private => self.private += asked,
        }
        if access.space != Space::Buffer {
            return;
        }
        match place {
            Some((binding, offsets)) if offsets.known & mask == mask => {
                self.touch(access, mask, binding, &offsets)
            }
            _ => self.untraced += asked,
        }
    }

    fn touch(&mut self, access: &Access, mask: u16, binding: u32, offsets: &Lanes) {
        let mut lines: Vec<u64> = Vec::with_capacity(LANES);
        for lane in (0..LANES).filter(|l| mask >> l & 1 == 1) {
            let first = u64::from(offsets.of[lane]);
            for line in first / LINE..=(first + u64::from(access.bytes) - 1) / LINE {
                // lanes mostly go up
                if lines.last() != Some(&line) && !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        self.lines += amount(access, LINE * lines.len() as u64);
        let maps = self.touched.entry(binding).or_default();
        for (map, used) in maps.iter_mut().zip([access.loads, access.stores]) {
            for line in lines.iter().filter(|_| used) {
                let word = (line / 64) as usize;
                if map.len() <= word {
                    map.resize(word + 1, 0);
                }
                map[word] |= 1 << (line % 64);
            }
        }
    }

    /// Lines of all bindings that were touched at all, in bytes.
    pub(super) fn footprint(&self) -> Bytes {
        let bytes =
            |map: &Vec<u64>| LINE * map.iter().map(|w| u64::from(w.count_ones())).sum::<u64>();
        let mut sum = Bytes::default();
        for [loaded, stored] in self.touched.values() {
            sum += Bytes {
                loaded: bytes(loaded),
                stored: bytes(stored),
            };
        }
        sum
    }
}
