//! The cores that a thread may run on.
#![allow(unsafe_code)]

use std::io;

/// The core that the calling thread runs on at this moment.
pub(super) fn current_core() -> Option<usize> {
    // SAFETY: it has no arguments; below 0 is an error.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// A set of cores, in the system's numbering.
#[derive(Clone, Copy)]
pub(super) struct Affinity(libc::cpu_set_t);

impl Affinity {
    /// The cores of the calling thread.
    pub(super) fn current() -> io::Result<Self> {
        // SAFETY: an all-zero set is valid, and the call fills it.
        let (set, failed) = unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            let failed = libc::sched_getaffinity(0, size_of_val(&set), &mut set);
            (set, failed)
        };
        if failed == 0 {
            Ok(Self(set))
        } else {
            Err(io::Error::last_os_error())
        }
    }

    /// Their numbers, in ascending order.
    pub(super) fn cores(&self) -> Vec<usize> {
        let all = 0..8 * size_of_val(&self.0);
        // SAFETY: the numbers are below the size of the set.
        all.filter(|core| unsafe { libc::CPU_ISSET(*core, &self.0) })
            .collect()
    }

    /// Lets the calling thread run on these cores only.
    pub(super) fn apply(&self) -> io::Result<()> {
        // SAFETY: the call only reads the set.
        let failed = unsafe { libc::sched_setaffinity(0, size_of_val(&self.0), &self.0) };
        if failed == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl std::fmt::Debug for Affinity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Affinity").field(&self.cores()).finish()
    }
}
