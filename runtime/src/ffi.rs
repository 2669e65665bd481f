//! Everything unsafe: the binary interface of compiled models, calls into them, mapped files, threads bound to cores, and
//! instructions that may not exist.

#![allow(unsafe_code)]

use crate::pool::{Cut, Part};
use memmap2::Mmap;
use std::any::Any;
use std::cell::UnsafeCell;
use std::ffi::{CString, c_void};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

#[cfg(target_arch = "aarch64")]
#[path = "probes/aarch64/ffi.rs"]
mod probes;
#[cfg(target_arch = "x86_64")]
#[path = "probes/x86_64/ffi.rs"]
mod probes;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod probes {
    pub(crate) const PROBES: &[super::Probe] = &[];
    pub(crate) fn request_tiles() -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
pub(crate) use probes::{PROBES, request_tiles};

// ---- The binary interface (runtime/include/spec_abi.h) ----

/// `spec_task` of the header: computes the units `lo..hi`.
pub type SpecTask = unsafe extern "C" fn(args: *const *mut c_void, lo: i64, hi: i64);

/// `spec_function` of the header.
pub type SpecFunction = unsafe extern "C" fn(
    args: *const *mut c_void,
    workspace: *mut c_void,
    pool: *const SpecPool,
) -> i32;

/// `spec_pool` of the header.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SpecPool {
    /// Handed to `run`.
    pub context: *mut c_void,
    /// Calls the task for disjoint ranges that cover `0..units`.
    pub run: unsafe extern "C" fn(
        context: *mut c_void,
        task: Option<SpecTask>,
        args: *const *mut c_void,
        units: i64,
        grain: i64,
    ),
}

impl SpecPool {
    pub(crate) fn of(part: &Part) -> Self {
        Self {
            context: std::ptr::from_ref(part).cast_mut().cast(),
            run: run_on_pool,
        }
    }
}

unsafe extern "C" fn run_on_pool(
    context: *mut c_void,
    task: Option<SpecTask>,
    args: *const *mut c_void,
    units: i64,
    grain: i64,
) {
    let Some(task) = task else { return };
    // SAFETY: `SpecPool::of` stored a part of the pool, and the caller of `run` promises that the pool lives.
    let part = unsafe { &*context.cast::<Part>() };
    part.submit(Job { task, args }, units, grain);
}

// ---- Jobs of the pool ----

/// A task and its arguments. The one who makes it promises that both can be used on any thread until the job ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    task: SpecTask,
    args: *const *mut c_void,
}

/// The job of a pool, shared by the protocol of `pool.rs`.
#[derive(Debug)]
pub(crate) struct JobCell(UnsafeCell<(Option<Job>, Cut)>);

// SAFETY: by the protocol of `pool.rs`, `put` never overlaps with `run`; `run` only reads.
unsafe impl Sync for JobCell {}
// SAFETY: the pointers are used under the promise of `Job` alone.
unsafe impl Send for JobCell {}

impl Default for JobCell {
    fn default() -> Self {
        Self(UnsafeCell::new((None, Cut::NONE)))
    }
}

impl JobCell {
    /// Writes the job; only by the submitter that holds `busy`, while `pending` is 0.
    pub(crate) fn put(&self, job: Job, cut: Cut) {
        // SAFETY: no worker has a part (`pending` is 0), and workers without a part do not read.
        unsafe { *self.0.get() = (Some(job), cut) };
    }

    /// Computes a part; only by the worker that the part belongs to, before it counts itself out of `pending`.
    pub(crate) fn run(&self, part: usize) {
        // SAFETY: the submitter writes the next job only after this worker is out of `pending`.
        let (job, cut) = unsafe { *self.0.get() };
        if let Some(job) = job {
            self.call(&job, cut.range(part));
        }
    }

    /// Computes a range on this thread.
    pub(crate) fn call(&self, job: &Job, range: Range<i64>) {
        // SAFETY: the maker of the job promises that the task takes these arguments, on any thread, until the job ends.
        unsafe { (job.task)(job.args, range.start, range.end) };
    }
}

struct Closure<'a> {
    task: &'a (dyn Fn(Range<i64>) + Sync),
    panicked: Mutex<Option<String>>,
}

/// [`crate::pool::Pool::run`]: the error is the message of a panic.
pub(crate) fn run_closure(
    part: &Part,
    units: i64,
    grain: i64,
    task: &(dyn Fn(Range<i64>) + Sync),
) -> Result<(), String> {
    let closure = Closure {
        task,
        panicked: Mutex::new(None),
    };
    let args = [std::ptr::from_ref(&closure).cast_mut().cast::<c_void>()];
    let job = Job {
        task: call_closure,
        args: args.as_ptr(),
    };
    part.submit(job, units, grain); // returns when no thread uses `closure` any more
    let panicked = closure.panicked.into_inner();
    match panicked.unwrap_or_else(PoisonError::into_inner) {
        Some(message) => Err(message),
        None => Ok(()),
    }
}

unsafe extern "C" fn call_closure(args: *const *mut c_void, lo: i64, hi: i64) {
    // SAFETY: `run_closure` gives one argument, a `Closure` that outlives the job; it is `Sync`.
    let closure = unsafe { &*(*args).cast::<Closure<'_>>() };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (closure.task)(lo..hi))) {
        let message = message(&*panic);
        std::mem::forget(panic); // dropping a payload may panic again
        let mut first = closure
            .panicked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(message);
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

// ---- Threads ----

/// Binds the calling thread to one core.
pub(crate) fn pin_current_thread(core: usize) -> io::Result<()> {
    // SAFETY: an all-zero `cpu_set_t` is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    if core >= 8 * size_of_val(&set) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: `core` is below the number of bits of the set; the call reads the set only.
    let failed = unsafe {
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set)
    };
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

// ---- Files and libraries ----

/// Maps a file for reading.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: sound as long as nobody changes the file while it is mapped, which `Weights::map` asks of its caller's system.
    unsafe { Mmap::map(file) }
}

/// A loaded model library.
#[derive(Debug)]
pub(crate) struct Library(libloading::os::unix::Library);

impl Library {
    /// Loads `path`, with all of its symbols resolved.
    pub(crate) fn open(path: &Path) -> Result<Self, libloading::Error> {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
        // SAFETY: initialisers of the library run; a model that spec-compile wrote has none, and its checksum was compared.
        // Loading a bundle is running its code: `Bundle::load` says so.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Self)
    }

    /// The model function `symbol`; not to be called after the library is dropped.
    pub(crate) fn entry(&self, symbol: &str) -> Option<Entry> {
        let symbol = CString::new(symbol).ok()?;
        // SAFETY: that the symbol is a `spec_function` is what the manifest, which belongs to the library, says.
        let found = unsafe {
            self.0
                .get::<Option<SpecFunction>>(symbol.as_bytes_with_nul())
        };
        found.ok().and_then(|f| *f).map(Entry)
    }
}

/// A model function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry(SpecFunction);

impl Entry {
    /// Calls it. The caller has checked the number, the sizes, the alignment and the writability of all buffers against the
    /// manifest, and holds the library and the buffers.
    pub(crate) fn call(
        &self,
        args: &[*mut c_void],
        workspace: *mut c_void,
        pool: Option<&SpecPool>,
    ) -> i32 {
        let pool = pool.map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: see above.
        unsafe { (self.0)(args.as_ptr(), workspace, pool) }
    }
}

// ---- Instructions that may not exist ----

/// An optional feature of the processor.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// LLVM's name.
    pub(crate) name: &'static str,
    /// Whether the processor or the system claims to have it.
    pub(crate) advertised: fn() -> bool,
    /// Executes an instruction of it; a signal ends the process if it does not exist.
    pub(crate) execute: fn(),
}

/// How far a child got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    /// Probes that ended well.
    pub(crate) passed: usize,
    /// The signal that ended the child.
    pub(crate) signal: Option<i32>,
}

/// Executes probes in a child process, one after the other, until one ends the child. `ask`: the child first asks the system
/// for tile registers.
pub(crate) fn try_in_child(probes: &[Probe], ask: bool) -> io::Result<Trial> {
    let mut pipe = [0; 2];
    // SAFETY: `pipe` has room for two descriptors.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let [read, write] = pipe;
    // SAFETY: the child calls functions that are safe after a fork of a threaded process only (signal-safety(7)), and allocates
    // nothing.
    let child = unsafe { libc::fork() };
    if child == 0 {
        child_main(probes, ask, write);
    }
    let fork_error = io::Error::last_os_error();
    // SAFETY: `write` is ours, and open.
    unsafe { libc::close(write) };
    let trial = if child < 0 {
        Err(fork_error)
    } else {
        Ok(Trial {
            passed: count(read),
            signal: wait(child),
        })
    };
    // SAFETY: `read` is ours, and open.
    unsafe { libc::close(read) };
    trial
}

fn child_main(probes: &[Probe], ask: bool, write: i32) -> ! {
    // SAFETY: plain system calls with valid arguments.
    unsafe {
        for signal in [
            libc::SIGILL,
            libc::SIGSEGV,
            libc::SIGBUS,
            libc::SIGFPE,
            libc::SIGALRM,
        ] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        libc::setrlimit(libc::RLIMIT_CORE, &none);
        libc::alarm(2); // an emulator may hang on an instruction
    }
    if ask {
        _ = probes::request_tiles(); // if refused, the probes fail
    }
    for probe in probes {
        (probe.execute)();
        // SAFETY: one byte of a valid buffer to a descriptor that is open.
        if unsafe { libc::write(write, [1u8].as_ptr().cast(), 1) } != 1 {
            break;
        }
    }
    // SAFETY: ends this process.
    unsafe { libc::_exit(0) }
}

/// Bytes that can be read until the other end closes.
fn count(read: i32) -> usize {
    let mut total = 0;
    let mut buffer = [0u8; 64];
    loop {
        // SAFETY: `buffer` is as long as said, `read` is open.
        match unsafe { libc::read(read, buffer.as_mut_ptr().cast(), buffer.len()) } {
            n if n > 0 => total += n as usize,
            0 => return total,
            _ if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            _ => return total,
        }
    }
}

/// Waits for a child; the signal that ended it.
fn wait(child: i32) -> Option<i32> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is valid for writing.
        let ended = unsafe { libc::waitpid(child, &mut status, 0) };
        if ended == child {
            return libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status));
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return None; // SIGCHLD is ignored: nobody learns how the child ended
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Probe;
    use std::arch::asm;

    fn undefined() {
        // SAFETY: ends the process by SIGILL, which is what the tests of `cpu.rs` want.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("ud2");
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("udf #0");
        }
    }

    /// The cores that the calling thread may run on.
    pub(crate) fn allowed_cores() -> Vec<usize> {
        // SAFETY: an all-zero set is valid, and the call fills it; the numbers asked for are below its size.
        unsafe {
            let mut set: libc::cpu_set_t = std::mem::zeroed();
            assert_eq!(libc::sched_getaffinity(0, size_of_val(&set), &mut set), 0);
            let cores = 0..8 * size_of_val(&set);
            cores.filter(|c| libc::CPU_ISSET(*c, &set)).collect()
        }
    }

    /// An instruction that no processor has.
    pub(crate) const UNDEFINED: Probe = Probe {
        name: "undefined",
        advertised: || true,
        execute: undefined,
    };
}
