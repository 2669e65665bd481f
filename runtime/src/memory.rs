//! Memory for weights, caches and workspaces: aligned to pages, in huge pages where the system has them.
//!
//! A decoder reads all weights for each token, in order. With pages of 4 KiB that is one miss of the TLB per page; pages of 2 MiB
//! have 512 times fewer.

use crate::ffi;
use memmap2::{Advice, Mmap, MmapMut};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Size and alignment of a transparent huge page on x86-64 and on aarch64 with pages of 4 KiB.
const HUGE: usize = 2 << 20;

/// What goes wrong with memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The system has no room.
    #[error("cannot get {bytes} bytes of memory: {source}; free memory or use a smaller model")]
    Full {
        /// Bytes asked for.
        bytes: usize,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be mapped.
    #[error("cannot map {}: {source}; it must be a file that can be read", path.display())]
    Map {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is shorter than asked for.
    #[error(
        "{} has {len} bytes, but bytes {offset} to {offset} + {bytes} are asked for: it is truncated, or not the file of this model",
        path.display()
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: usize,
        /// First byte asked for.
        offset: usize,
        /// Bytes asked for.
        bytes: usize,
    },
}

/// Bytes that can be written: zero at first, aligned to 4096, to 2 MiB if huge pages were asked for.
#[derive(Debug)]
pub struct Memory {
    map: MmapMut,
    start: usize,
    bytes: usize,
    huge: bool,
}

impl Memory {
    /// `bytes` bytes in pages of the usual size.
    ///
    /// # Errors
    /// [`MemoryError::Full`].
    pub fn new(bytes: usize) -> Result<Self, MemoryError> {
        let full = |source| MemoryError::Full { bytes, source };
        let map = MmapMut::map_anon(bytes.max(1)).map_err(full)?;
        Ok(Self {
            map,
            start: 0,
            bytes,
            huge: false,
        })
    }

    /// `bytes` bytes for which the system is asked to use huge pages ([`Memory::is_huge`] tells whether it agreed).
    ///
    /// # Errors
    /// [`MemoryError::Full`].
    pub fn huge(bytes: usize) -> Result<Self, MemoryError> {
        let full = |source| MemoryError::Full { bytes, source };
        let reserved = bytes.max(1).checked_next_multiple_of(HUGE);
        let Some(reserved) = reserved.and_then(|b| b.checked_add(HUGE)) else {
            return Err(full(std::io::ErrorKind::OutOfMemory.into()));
        };
        // address space, not memory: pages never touched cost nothing
        let map = MmapMut::map_anon(reserved).map_err(full)?;
        let start = map.as_ptr().align_offset(HUGE);
        let huge = map.advise(Advice::HugePage).is_ok();
        Ok(Self {
            map,
            start,
            bytes,
            huge,
        })
    }

    /// Whether the system took the advice. That it has huge pages to give is not certain even then.
    pub fn is_huge(&self) -> bool {
        self.huge
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map[self.start..self.start + self.bytes]
    }

    /// The bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.map[self.start..self.start + self.bytes]
    }
}

/// Bytes of weights, shared between models and threads.
#[derive(Debug)]
pub enum Weights {
    /// A file, mapped: read when first used, shared between processes, in pages of the usual size.
    Mapped {
        /// The whole file.
        map: Mmap,
        /// First byte and length.
        offset: usize,
        /// Length in bytes.
        bytes: usize,
    },
    /// A copy in huge pages, which compiled code reads faster.
    Copied(Memory),
}

impl Weights {
    /// Maps `bytes` bytes of a file from `offset` on. The file must not change while it is mapped.
    ///
    /// # Errors
    /// [`MemoryError::Map`], [`MemoryError::Short`].
    pub fn map(path: &Path, offset: usize, bytes: usize) -> Result<Self, MemoryError> {
        let failed = |source| MemoryError::Map {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(failed(std::io::Error::other("not a file")));
        }
        let map = ffi::map(&file).map_err(failed)?;
        let len = map.len();
        if offset.checked_add(bytes).is_none_or(|end| end > len) {
            return Err(MemoryError::Short {
                path: path.to_owned(),
                len,
                offset,
                bytes,
            });
        }
        Ok(Self::Mapped { map, offset, bytes })
    }

    /// Copies bytes into huge pages.
    ///
    /// # Errors
    /// [`MemoryError::Full`].
    pub fn copy(bytes: &[u8]) -> Result<Self, MemoryError> {
        let mut memory = Memory::huge(bytes.len())?;
        memory.bytes_mut().copy_from_slice(bytes);
        Ok(Self::Copied(memory))
    }

    /// Reads the first `bytes` bytes of a file into huge pages, on up to `threads` threads; also their CRC-32 (IEEE 802.3).
    ///
    /// # Errors
    /// [`MemoryError::Full`], [`MemoryError::Read`], [`MemoryError::Short`].
    pub fn read(path: &Path, bytes: usize, threads: usize) -> Result<(Self, u32), MemoryError> {
        let failed = |source| MemoryError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        let len = usize::try_from(found.len()).unwrap_or(usize::MAX);
        if len < bytes && found.is_file() {
            return Err(MemoryError::Short {
                path: path.to_owned(),
                len,
                offset: 0,
                bytes,
            });
        }
        let mut memory = Memory::huge(bytes)?;
        let piece = piece(bytes, threads);
        let pieces = memory.bytes_mut().chunks_mut(piece);
        let parts = std::thread::scope(|scope| {
            let read = |(i, part)| {
                let file = &file;
                scope.spawn(move || read_checked(file, part, (i * piece) as u64))
            };
            let threads: Vec<_> = pieces.enumerate().map(read).collect();
            let ended = threads.into_iter().map(|t| t.join());
            let ended =
                ended.map(|r| r.unwrap_or_else(|_| Err(io::Error::other("a thread panicked"))));
            ended.collect::<Result<Vec<_>, _>>()
        });
        let crc32 = combined(&parts.map_err(failed)?);
        Ok((Self::Copied(memory), crc32))
    }

    /// CRC-32 (IEEE 802.3) of the bytes, computed on up to `threads` threads. A file is read for it.
    pub fn crc32(&self, threads: usize) -> u32 {
        let bytes = self.bytes();
        let parts: Vec<_> = std::thread::scope(|scope| {
            let pieces = bytes.chunks(piece(bytes.len(), threads));
            let threads: Vec<_> = pieces
                .map(|part| (part, scope.spawn(move || checksum(part))))
                .collect();
            let ended = threads.into_iter();
            ended
                .map(|(part, t)| t.join().unwrap_or_else(|_| checksum(part)))
                .collect()
        });
        combined(&parts)
    }

    /// Where the bytes start, and their length, rounded up to a multiple of `alignment` bytes, so that all of it can be read. None: the
    /// start or the end is not aligned so.
    #[cfg(any(test, feature = "vulkan"))]
    pub(crate) fn region(&self, alignment: usize) -> Option<(*const u8, usize)> {
        const PAGE: usize = 4096; // no system has smaller ones; the end of a map's last page can be read
        let (bytes, room) = match self {
            Self::Mapped { bytes, .. } => (self.bytes(), *bytes),
            Self::Copied(memory) => (memory.bytes(), memory.map.len() - memory.start),
        };
        let start = bytes.as_ptr();
        let aligned = alignment.is_power_of_two() && start.addr().is_multiple_of(alignment);
        let length = bytes.len().checked_next_multiple_of(alignment.max(1))?;
        let fits = length > 0 && length <= room.checked_next_multiple_of(PAGE)?;
        (aligned && fits).then_some((start, length))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped { map, offset, bytes } => &map[*offset..*offset + *bytes],
            Self::Copied(memory) => memory.bytes(),
        }
    }
}

/// Bytes for each of `threads` threads: not so few that a thread costs more than its work.
fn piece(bytes: usize, threads: usize) -> usize {
    const LEAST: usize = 4 << 20;
    bytes.div_ceil(threads.max(1)).max(LEAST)
}

fn checksum(bytes: &[u8]) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes);
    hasher
}

/// Reads in steps that fit the caches, so that the checksum does not read the memory again.
fn read_checked(file: &File, to: &mut [u8], mut offset: u64) -> io::Result<crc32fast::Hasher> {
    let mut hasher = crc32fast::Hasher::new();
    for step in to.chunks_mut(256 << 10) {
        file.read_exact_at(step, offset)?;
        hasher.update(step);
        offset += step.len() as u64;
    }
    Ok(hasher)
}

fn combined(parts: &[crc32fast::Hasher]) -> u32 {
    let mut all = crc32fast::Hasher::new();
    parts.iter().for_each(|part| all.combine(part));
    all.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_zero_aligned_and_writable() {
        for bytes in [0, 1, 64, 4097, 3 << 20] {
            let usual = Memory::new(bytes).expect("small");
            let mut huge = Memory::huge(bytes).expect("small");
            for memory in [&usual, &huge] {
                assert_eq!(memory.bytes().len(), bytes);
                assert!(memory.bytes().iter().all(|b| *b == 0));
            }
            assert_eq!(usual.bytes().as_ptr().align_offset(4096), 0);
            assert_eq!(huge.bytes().as_ptr().align_offset(HUGE), 0);
            huge.bytes_mut().fill(7);
            assert!(huge.bytes().iter().all(|b| *b == 7));
        }
    }

    #[test]
    fn files_are_read_in_pieces() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("weights");
        let all: Vec<u8> = (0..(9_u32 << 20) + 5)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        std::fs::write(&path, &all).expect("written");
        for threads in [0, 1, 2, 3, 100] {
            let (read, crc32) = Weights::read(&path, all.len(), threads).expect("there");
            assert!(read.bytes() == all);
            assert_eq!(crc32, crc32fast::hash(&all));
            assert_eq!(read.crc32(threads), crc32);
        }
        let (some, crc32) = Weights::read(&path, 1000, 2).expect("a part");
        assert_eq!(
            (some.bytes(), crc32),
            (&all[..1000], crc32fast::hash(&all[..1000]))
        );
        let (none, crc32) = Weights::read(&path, 0, 2).expect("nothing");
        assert_eq!((none.bytes(), crc32), (&[][..], 0));
        assert_eq!(none.crc32(2), 0);
        let error = Weights::read(&path, all.len() + 1, 2);
        assert!(matches!(error, Err(MemoryError::Short { .. })));
        for wrong in [dir.path(), &dir.path().join("nothing")] {
            let error = Weights::read(wrong, 1, 2);
            assert!(matches!(error, Err(MemoryError::Read { .. })));
        }
    }

    #[test]
    fn regions_are_aligned_and_can_be_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("weights");
        std::fs::write(&path, [7; 5000]).expect("written");
        let mapped = Weights::map(&path, 0, 5000).expect("there");
        assert_eq!(mapped.region(4096), Some((mapped.bytes().as_ptr(), 8192)));
        assert_eq!(mapped.region(65_536), None);
        assert_eq!(mapped.region(3), None);
        let inner = Weights::map(&path, 64, 100).expect("there");
        assert_eq!(inner.region(4096), None);
        let copied = Weights::copy(&[7; 5000]).expect("small");
        for (alignment, bytes) in [(64, 5056), (4096, 8192), (65_536, 65_536), (HUGE, HUGE)] {
            let region = copied.region(alignment).expect("aligned");
            assert_eq!(region, (copied.bytes().as_ptr(), bytes));
        }
        assert_eq!(Weights::copy(&[]).expect("nothing").region(64), None);
    }

    #[test]
    fn too_much_memory_is_an_error() {
        for bytes in [usize::MAX, usize::MAX / 2, usize::MAX - 4096] {
            assert!(matches!(Memory::new(bytes), Err(MemoryError::Full { .. })));
            assert!(matches!(Memory::huge(bytes), Err(MemoryError::Full { .. })));
        }
    }

    #[test]
    fn weights_of_a_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("weights");
        let all: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        std::fs::write(&path, &all).expect("written");
        let mapped = Weights::map(&path, 17, 5000).expect("there");
        assert_eq!(mapped.bytes(), &all[17..5017]);
        let copied = Weights::copy(mapped.bytes()).expect("small");
        assert_eq!(copied.bytes(), mapped.bytes());

        let short = Weights::map(&path, 9000, 1001).expect_err("too long");
        assert!(matches!(
            short,
            MemoryError::Short {
                len: 10_000,
                offset: 9000,
                bytes: 1001,
                ..
            }
        ));
        let overflow = Weights::map(&path, usize::MAX, 2);
        assert!(matches!(overflow, Err(MemoryError::Short { .. })));
        let nothing = dir.path().join("nothing");
        assert!(matches!(
            Weights::map(&nothing, 0, 1),
            Err(MemoryError::Map { .. })
        ));
        assert!(matches!(
            Weights::map(dir.path(), 0, 1),
            Err(MemoryError::Map { .. })
        ));
        let empty = dir.path().join("empty");
        std::fs::write(&empty, "").expect("written");
        assert_eq!(Weights::map(&empty, 0, 0).expect("empty").bytes(), b"");
    }
}
