//! Everything unsafe here: mapped files.
#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fs::File;
use std::io;

/// Maps a file into memory, to be read. Nobody may change the file while it is mapped.
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: sound as long as nobody changes or cuts the file while this program runs, which a checkpoint's user is asked for.
    unsafe { Mmap::map(file) }
}
