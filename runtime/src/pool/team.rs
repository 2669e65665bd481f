//! Some threads of a pool, and the thread that submits.

use super::ffi::{Affinity, current_core};
use super::{Core, Pool, PoolError, pin};
use crate::ffi::{Job, SpecPool, run_closure};
use std::ops::Range;
use std::sync::{Arc, MutexGuard, TryLockError};

/// The cores that the calling thread may run on, in the system's numbering, in ascending order.
///
/// # Errors
/// The system's, for example on a machine with more than 1024 cores.
pub fn allowed_cores() -> std::io::Result<Vec<usize>> {
    Affinity::current().map(|a| a.cores())
}

/// What compiled code submits to: the first threads of a pool.
#[derive(Debug)]
pub(crate) struct Part {
    pub(super) core: Arc<Core>,
    pub(super) threads: usize,
}

impl Part {
    /// Runs a job to its end. `job` must not unwind.
    pub(crate) fn submit(&self, job: Job, units: i64, grain: i64) {
        self.core.submit(self.threads, job, units, grain);
    }
}

/// The first threads of a pool, the submitting one included; it keeps the pool. Models that run one after the other on the same cores
/// share a pool, each with as many threads as are best for it.
#[derive(Clone, Debug)]
pub struct Team {
    pool: Arc<Pool>,
    part: Arc<Part>,
}

impl Team {
    /// The first `threads` threads of `pool`: at least one, at most all.
    pub fn new(pool: &Arc<Pool>, threads: usize) -> Self {
        Self {
            part: Arc::new(Part {
                core: Arc::clone(&pool.core),
                threads: threads.clamp(1, pool.threads()),
            }),
            pool: Arc::clone(pool),
        }
    }

    /// Threads, the submitting one included.
    pub fn threads(&self) -> usize {
        self.part.threads
    }

    /// The pool.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// As [`Pool::run`], on the threads of the team.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub fn run(
        &self,
        units: i64,
        grain: i64,
        task: impl Fn(Range<i64>) + Sync,
    ) -> Result<(), PoolError> {
        run_closure(&self.part, units, grain, &task).map_err(PoolError::Panicked)
    }

    /// What compiled code takes. Valid as long as the team is.
    pub fn raw(&self) -> SpecPool {
        SpecPool::of(&self.part)
    }
}

/// The calling thread, for a while as worker 0 of a pool: on the first of the pool's cores, if cores were given and no other thread is
/// there. What it could run on before comes back at the end. A thread that runs on that core already is not bound to it.
#[derive(Debug)]
pub struct Entered<'a> {
    before: Option<Affinity>,
    _place: Option<MutexGuard<'a, ()>>,
}

impl Pool {
    /// Puts the calling thread on the first core of the pool until the result is dropped. Where another thread is already there, or
    /// the system refuses, or no cores were given, nothing happens: computing is right all the same.
    pub fn enter(&self) -> Entered<'_> {
        let mut entered = Entered {
            before: None,
            _place: None,
        };
        let Some(core) = self.cores.first() else {
            return entered;
        };
        entered._place = match self.caller.try_lock() {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(place)) => Some(place.into_inner()),
            Err(TryLockError::WouldBlock) => return entered,
        };
        // A thread that is there stays there, most likely: the workers have the other cores. Binding costs some microseconds, which is
        // much for a small model.
        if current_core() == Some(*core) {
            return entered;
        }
        if let Ok(before) = Affinity::current()
            && pin(0, *core).is_ok()
        {
            entered.before = Some(before);
        }
        entered
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            _ = before.apply(); // cores may have gone offline meanwhile: the thread then stays where it is
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolOptions;
    use std::sync::Mutex;
    use std::thread;

    /// The ranges that a submission is cut into.
    fn ranges(team: &Team, units: i64) -> Vec<(i64, i64)> {
        let seen = Mutex::new(vec![]);
        let note = |r: Range<i64>| seen.lock().expect("no panic").push((r.start, r.end));
        team.run(units, 1, note).expect("no panic");
        let mut seen = seen.into_inner().expect("no panic");
        seen.sort_unstable();
        seen
    }

    #[test]
    fn a_team_uses_as_many_threads_as_it_has() {
        let pool = Arc::new(Pool::new(3).expect("threads start"));
        for (asked, threads) in [(0, 1), (1, 1), (2, 2), (3, 3), (9, 3)] {
            let team = Team::new(&pool, asked);
            assert_eq!(team.threads(), threads);
            let cut = ranges(&team, 12);
            assert_eq!(cut.len(), threads, "{cut:?}");
            assert_eq!((cut[0].0, cut[threads - 1].1), (0, 12));
        }
        let team = Team::new(&pool, 2);
        drop(pool);
        assert_eq!(ranges(&team, 4), [(0, 2), (2, 4)], "a team keeps its pool");
    }

    #[test]
    fn a_caller_is_bound_for_a_while() {
        let cores = || allowed_cores().expect("Linux tells");
        let (first, last) = (cores()[0], *cores().last().expect("a core"));
        let options = PoolOptions {
            cores: vec![last],
            ..PoolOptions::new(1)
        };
        let pool = Pool::with(&options).expect("one thread");
        let caller = || {
            pin(0, first).expect("it is allowed");
            let entered = pool.enter();
            assert_eq!(cores(), [last]);
            thread::scope(|scope| {
                let second = || assert!(pool.enter().before.is_none(), "the place is taken");
                scope.spawn(second).join().expect("no panic");
            });
            drop(entered);
            assert_eq!(cores(), [first]);
            let free = Pool::new(1).expect("one thread");
            assert!(free.enter().before.is_none());
        };
        if first != last {
            thread::scope(|scope| scope.spawn(caller).join().expect("no panic"));
        }
        let caller = || {
            pin(0, last).expect("it is allowed");
            assert!(pool.enter().before.is_none(), "it is there already");
        };
        thread::scope(|scope| scope.spawn(caller).join().expect("no panic"));
    }

    #[test]
    fn a_core_that_is_not_there_is_left_alone() {
        let allowed = allowed_cores().expect("Linux tells");
        let options = PoolOptions {
            cores: vec![1023],
            ..PoolOptions::new(1)
        };
        let pool = Pool::with(&options).expect("one thread");
        let _entered = pool.enter();
        assert_eq!(allowed_cores().expect("Linux tells"), allowed);
    }
}
