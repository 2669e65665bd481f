//! A small pool of worker threads for compiled models: many short pieces of work, one after the other.
//!
//! A compiled model hands each kernel to `spec_pool::run` (docs/abi.md), some hundred times a token, so a fork and join must
//! cost about a microsecond. Workers wait for work by spinning for a bounded time and sleep after that; the thread that
//! submits takes part as worker 0. A pool serves one submission at a time. One that finds the pool busy (from within a task, or
//! from another thread) computes all of its units on its own thread: it never waits, so no nesting can hang.
//!
//! # Protocol
//! `word` holds the number of the job (upper 48 bits) and in how many parts it is cut (lower 16), in one atomic, so that a
//! worker learns both at once. The fields of the job itself are written before `word` and read by the parts' workers only.
//! * Part `i` of a job belongs to worker `i`; workers from `parts` on do not take part and never read the job. So nobody reads
//!   the job while the next one is written: the submitter leaves only when `pending` is 0, that is, when each worker of the
//!   job is done with it.
//! * The store of `word` is a release and the load by a worker an acquire: the worker sees the job. `fetch_sub` on `pending`
//!   releases, the submitter's load acquires: it sees what the parts wrote.
//! * Nobody sleeps through a wake-up. A worker counts itself in `sleepers`, then looks at `word` again, then sleeps, the last two
//!   under the lock; a submitter stores `word`, then looks at `sleepers`, and if there are any, takes the lock and notifies.
//!   All four are sequentially consistent, so at least one of the two sees the other's store; and if the submitter sees the
//!   sleeper, the lock keeps the notification out of the gap between the second look and the sleep. The same holds for `pending`
//!   and `joining` the other way round.

mod ffi;
mod team;

use crate::ffi::{Job, JobCell, SpecPool, pin_current_thread, run_closure};
use std::ops::Range;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(crate) use team::Part;
pub use team::{Entered, Team, allowed_cores};

/// Most threads of a pool.
pub const MAX_THREADS: usize = 1024;

/// What goes wrong with a pool.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// No threads, or absurdly many.
    #[error("a pool has 1 to {MAX_THREADS} threads, not {0}")]
    Threads(usize),
    /// The list of cores does not fit the number of threads.
    #[error("{cores} cores are given for {threads} threads: give one for each thread, or none")]
    Cores {
        /// Length of the list.
        cores: usize,
        /// Threads of the pool.
        threads: usize,
    },
    /// The system does not start a thread.
    #[error(
        "cannot start worker {worker}: {source}; use fewer threads or raise the limit (ulimit -u)"
    )]
    Spawn {
        /// Number of the worker.
        worker: usize,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A thread cannot be bound to its core.
    #[error(
        "cannot bind worker {worker} to core {core}: {source}; the core may be offline or outside of this process's set (taskset -p)"
    )]
    Pin {
        /// Number of the worker.
        worker: usize,
        /// The core asked for, in the system's numbering.
        core: usize,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A task of [`Pool::run`] panicked; the other parts ran to their end and the pool is usable.
    #[error("a task panicked: {0}; this is a fault of the task")]
    Panicked(String),
}

/// How to make a pool.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Threads, the submitting one included.
    pub threads: usize,
    /// Core of each worker, in the system's numbering; empty: not bound. The first is the submitting thread's, which only
    /// [`Pool::pin_caller`] binds.
    pub cores: Vec<usize>,
    /// Whether a worker that cannot be bound is an error. If not, it is in [`Pool::warnings`].
    pub strict: bool,
    /// How long a worker, or a submitter that waits for the others, spins before it sleeps. `None`: 100 microseconds, or not at
    /// all if there are more threads than cores.
    pub spin: Option<Duration>,
}

impl PoolOptions {
    /// `threads` threads, not bound to cores.
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            cores: Vec::new(),
            strict: false,
            spin: None,
        }
    }

    fn spin(&self) -> Duration {
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        let default = Duration::from_micros(if self.threads > cores { 0 } else { 100 });
        self.spin.unwrap_or(default)
    }
}

/// A pool of threads. Dropping it ends and joins them.
#[derive(Debug)]
pub struct Pool {
    core: Arc<Core>,
    whole: Arc<Part>,
    /// Held by the thread that is on the first core; see [`Pool::enter`].
    caller: Mutex<()>,
    workers: Vec<JoinHandle<()>>,
    cores: Vec<usize>,
    warnings: Vec<PoolError>,
}

impl Pool {
    /// A pool of `threads` threads, the submitting one included: `threads - 1` are started.
    ///
    /// # Errors
    /// [`PoolError::Threads`], [`PoolError::Spawn`].
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        Self::with(&PoolOptions::new(threads))
    }

    /// A pool as `options` say.
    ///
    /// # Errors
    /// [`PoolError::Threads`], [`PoolError::Cores`], [`PoolError::Spawn`]; [`PoolError::Pin`] if `strict`.
    pub fn with(options: &PoolOptions) -> Result<Self, PoolError> {
        let threads = options.threads;
        if !(1..=MAX_THREADS).contains(&threads) {
            return Err(PoolError::Threads(threads));
        }
        if !options.cores.is_empty() && options.cores.len() != threads {
            let cores = options.cores.len();
            return Err(PoolError::Cores { cores, threads });
        }
        let core = Arc::new(Core::new(threads, options.spin()));
        let whole = Part {
            core: Arc::clone(&core),
            threads,
        };
        let mut pool = Self {
            core,
            whole: Arc::new(whole),
            caller: Mutex::new(()),
            workers: Vec::with_capacity(threads - 1),
            cores: options.cores.clone(),
            warnings: Vec::new(),
        };
        for worker in 1..threads {
            pool.start(worker)?; // dropping the pool ends those that run
        }
        if options.strict && !pool.warnings.is_empty() {
            return Err(pool.warnings.remove(0));
        }
        Ok(pool)
    }

    /// Starts a worker and waits until it is bound to its core.
    fn start(&mut self, worker: usize) -> Result<(), PoolError> {
        let core = Arc::clone(&self.core);
        let cpu = self.cores.get(worker).copied();
        let (sender, bound) = std::sync::mpsc::sync_channel(1);
        let body = move || {
            let result = cpu.map_or(Ok(()), |cpu| pin(worker, cpu));
            if sender.send(result).is_ok() {
                core.work(worker);
            }
        };
        let handle = thread::Builder::new()
            .name(format!("spec-{worker}"))
            .spawn(body)
            .map_err(|source| PoolError::Spawn { worker, source })?;
        self.workers.push(handle);
        if let Ok(Err(warning)) = bound.recv() {
            self.warnings.push(warning);
        }
        Ok(())
    }

    /// Binds the calling thread, which is worker 0 of what it submits, to the first of the cores given; does nothing if none
    /// were given.
    ///
    /// # Errors
    /// [`PoolError::Pin`].
    pub fn pin_caller(&self) -> Result<(), PoolError> {
        self.cores.first().map_or(Ok(()), |cpu| pin(0, *cpu))
    }

    /// Threads, the submitting one included.
    pub fn threads(&self) -> usize {
        self.core.threads
    }

    /// Workers that could not be bound to their cores.
    pub fn warnings(&self) -> &[PoolError] {
        &self.warnings
    }

    /// Calls `task` for disjoint ranges that cover `0..units`, on all threads at once, and returns when all are done. Bounds other
    /// than 0 and `units` are multiples of `grain` (below 1: 1). No units: nothing is called.
    ///
    /// # Errors
    /// [`PoolError::Panicked`]: a task panicked. All other ranges have been computed.
    pub fn run(
        &self,
        units: i64,
        grain: i64,
        task: impl Fn(Range<i64>) + Sync,
    ) -> Result<(), PoolError> {
        run_closure(&self.whole, units, grain, &task).map_err(PoolError::Panicked)
    }

    /// What compiled code takes. Valid as long as the pool is.
    pub fn raw(&self) -> SpecPool {
        SpecPool::of(&self.whole)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.core.stop();
        for worker in self.workers.drain(..) {
            _ = worker.join(); // a worker cannot panic: tasks are caught
        }
    }
}

fn pin(worker: usize, core: usize) -> Result<(), PoolError> {
    pin_current_thread(core).map_err(|source| PoolError::Pin {
        worker,
        core,
        source,
    })
}

/// On a cache line of its own (128: adjacent lines are fetched in pairs on x86, and are this long on some arm64 cores).
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

/// What the threads share.
#[derive(Debug)]
struct Core {
    threads: usize,
    spin: Duration,
    /// A submission is under way.
    busy: Line<AtomicBool>,
    /// Number of the job << 16 | parts of it; [`STOP`] at the end.
    word: Line<AtomicU64>,
    /// The job: written by the submitter before `word`, read by the job's workers only.
    job: Line<JobCell>,
    /// Workers (without the submitter) that are not done with the job.
    pending: Line<AtomicUsize>,
    /// Workers that sleep, or are about to.
    sleepers: AtomicUsize,
    /// The submitter sleeps, or is about to.
    joining: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
    joined: Condvar,
}

const PARTS: u64 = 0xffff;
const STOP: u64 = u64::MAX;

impl Core {
    fn new(threads: usize, spin: Duration) -> Self {
        Self {
            threads,
            spin,
            busy: Line::default(),
            word: Line::default(),
            job: Line::default(),
            pending: Line::default(),
            sleepers: AtomicUsize::new(0),
            joining: AtomicBool::new(false),
            lock: Mutex::new(()),
            wake: Condvar::new(),
            joined: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a job to its end on the first `threads` threads, of which there are as many. `job` must not unwind.
    fn submit(&self, threads: usize, job: Job, units: i64, grain: i64) {
        if units <= 0 {
            return;
        }
        let parts = parts(units, grain, threads);
        // `busy`: acquire and release hand `word`, `job` and `pending` from one submitter to the next.
        if parts == 1 || self.busy.0.swap(true, Acquire) {
            return self.job.0.call(&job, 0..units);
        }
        let cut = Cut {
            units,
            grain,
            parts,
        };
        self.job.0.put(job, cut);
        self.pending.0.store(parts - 1, Relaxed); // released by `word`
        let number = (self.word.0.load(Relaxed) >> 16).wrapping_add(1);
        self.word.0.store(number << 16 | parts as u64, SeqCst);
        if self.sleepers.load(SeqCst) > 0 {
            drop(self.lock());
            self.wake.notify_all();
        }
        self.job.0.call(&job, cut.range(0));
        self.join();
        self.busy.0.store(false, Release);
    }

    /// Waits until no worker has a part of the job.
    fn join(&self) {
        if self.spin_until(|| self.pending.0.load(Acquire) == 0) {
            return;
        }
        let mut guard = self.lock();
        self.joining.store(true, SeqCst);
        while self.pending.0.load(SeqCst) != 0 {
            guard = self
                .joined
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.joining.store(false, Relaxed); // a worker that still sees true notifies in vain
    }

    /// The life of a worker.
    fn work(&self, worker: usize) {
        let mut seen = 0;
        loop {
            seen = self.next(seen);
            if seen == STOP {
                return;
            }
            if worker < (seen & PARTS) as usize {
                self.job.0.run(worker);
                self.done();
            }
        }
    }

    fn done(&self) {
        // Sequentially consistent, for `joining`; releases what the part wrote.
        if self.pending.0.fetch_sub(1, SeqCst) == 1 && self.joining.load(SeqCst) {
            drop(self.lock());
            self.joined.notify_all();
        }
    }

    /// Waits until `word` is not `seen`.
    fn next(&self, seen: u64) -> u64 {
        if !self.spin_until(|| self.word.0.load(Acquire) != seen) {
            let mut guard = self.lock();
            self.sleepers.fetch_add(1, SeqCst);
            while self.word.0.load(SeqCst) == seen {
                guard = self
                    .wake
                    .wait(guard)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            self.sleepers.fetch_sub(1, AcqRel);
        }
        self.word.0.load(Acquire)
    }

    fn stop(&self) {
        self.word.0.store(STOP, SeqCst);
        drop(self.lock());
        self.wake.notify_all();
    }

    /// Spins until `ready`, or for as long as the pool spins; returns whether it is ready.
    fn spin_until(&self, ready: impl Fn() -> bool) -> bool {
        if self.spin.is_zero() {
            return ready();
        }
        let mut start = None;
        loop {
            for _ in 0..32 {
                if ready() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if start.get_or_insert_with(Instant::now).elapsed() >= self.spin {
                return ready();
            }
        }
    }
}

/// How a job is cut into parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    units: i64,
    grain: i64,
    parts: usize,
}

/// Number of parts: no more than threads, each at least one grain. `units` is positive.
fn parts(units: i64, grain: i64, threads: usize) -> usize {
    let blocks = (units - 1) / grain.max(1) + 1;
    usize::try_from(blocks).map_or(threads, |b| b.min(threads))
}

impl Cut {
    /// All units, on one thread.
    pub(crate) const NONE: Self = Self {
        units: 0,
        grain: 1,
        parts: 1,
    };

    /// The units of a part: sizes of parts differ by at most one grain.
    pub(crate) fn range(&self, part: usize) -> Range<i64> {
        let grain = self.grain.max(1);
        let blocks = (self.units - 1) / grain + 1;
        let (each, more) = (blocks / self.parts as i64, blocks % self.parts as i64);
        let bound = |part: i64| {
            let block = each * part + part.min(more); // at most `blocks`
            block.saturating_mul(grain).min(self.units)
        };
        bound(part as i64)..bound(part as i64 + 1)
    }
}

#[cfg(test)]
mod tests;
