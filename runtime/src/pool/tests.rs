//! Each unit is computed once, whatever the pool, the cut, the nesting and the panics.

use super::*;
use proptest::prelude::*;
use std::sync::atomic::AtomicU8;

fn counted(units: usize) -> Vec<AtomicU8> {
    (0..units).map(|_| AtomicU8::new(0)).collect()
}

fn count(counts: &[AtomicU8], range: Range<i64>) {
    for i in range {
        counts[usize::try_from(i).expect("not negative")].fetch_add(1, Relaxed);
    }
}

fn once(counts: &[AtomicU8]) -> bool {
    counts.iter().all(|c| c.load(Relaxed) == 1)
}

fn pool(threads: usize, spin: u64) -> Pool {
    let options = PoolOptions {
        spin: Some(Duration::from_micros(spin)),
        ..PoolOptions::new(threads)
    };
    Pool::with(&options).expect("threads start")
}

proptest! {
    #[test]
    fn parts_cover_all_units_once(units in 1..i64::MAX, grain in 0..i64::MAX, threads in 1..65usize, small in any::<bool>()) {
        let (units, grain) = if small { (units % 500 + 1, grain % 40) } else { (units, grain) };
        let parts = parts(units, grain, threads);
        prop_assert!(parts >= 1 && parts <= threads);
        let cut = Cut { units, grain, parts };
        let mut end = 0;
        let mut sizes = vec![];
        for part in 0..parts {
            let range = cut.range(part);
            prop_assert_eq!(range.start, end);
            prop_assert!(range.end > range.start, "an empty part");
            prop_assert!(range.end == units || range.end % grain.max(1) == 0);
            sizes.push((range.end - range.start - 1) / grain.max(1) + 1);
            end = range.end;
        }
        prop_assert_eq!(end, units);
        let (most, least) = (sizes.iter().max(), sizes.iter().min());
        prop_assert!(most.unwrap() - least.unwrap() <= 1, "{:?}", sizes);
    }
}

#[test]
fn each_unit_is_computed_once() {
    for threads in [1, 2, 3, 8] {
        for spin in [0, 5, 200] {
            let pool = pool(threads, spin);
            for round in 0..300i64 {
                let (units, grain) = (round * 7 % 61, round % 5);
                let counts = counted(usize::try_from(units).expect("small"));
                pool.run(units, grain, |r| count(&counts, r)).expect("ok");
                assert!(once(&counts), "{threads} threads, {units} units of {grain}");
                if round % 100 == 0 {
                    thread::sleep(Duration::from_millis(1)); // workers fall asleep
                }
            }
        }
    }
}

#[test]
fn what_the_parts_wrote_is_seen_after_the_run() {
    let pool = pool(2, 50);
    let total = AtomicUsize::new(0);
    for round in 0..20_000 {
        pool.run(2, 1, |_| {
            let old = total.load(Relaxed);
            total.fetch_add(1, Relaxed);
            assert!(old < 2 * round + 2, "a part of another round");
        })
        .expect("ok");
        assert_eq!(total.load(Relaxed), 2 * round + 2);
    }
}

#[test]
fn all_threads_take_part() {
    let pool = pool(3, 0);
    let barrier = std::sync::Barrier::new(3); // hangs unless three threads meet
    let met = AtomicUsize::new(0);
    pool.run(3, 1, |_| {
        barrier.wait();
        met.fetch_add(1, Relaxed);
    })
    .expect("ok");
    assert_eq!(met.load(Relaxed), 3);
}

#[test]
fn units_outside_of_reason() {
    let pool = pool(2, 0);
    for units in [0, -1, i64::MIN] {
        pool.run(units, 1, |r| panic!("called for {r:?}"))
            .expect("nothing to do");
    }
    let ranges = Mutex::new(vec![]);
    pool.run(i64::MAX, -5, |r| ranges.lock().unwrap().push(r))
        .expect("ok");
    pool.run(i64::MAX, i64::MAX - 1, |r| ranges.lock().unwrap().push(r))
        .expect("ok");
    let mut ranges = ranges.into_inner().unwrap();
    ranges.sort_by_key(|r| (r.start, r.end));
    let middle = i64::MAX / 2 + 1;
    let last = i64::MAX - 1;
    assert_eq!(
        ranges,
        [0..middle, 0..last, middle..i64::MAX, last..i64::MAX]
    );
}

#[test]
fn a_run_within_a_task_runs_inline() {
    let pool = pool(2, 20);
    let counts = counted(16);
    pool.run(2, 1, |outer| {
        let thread = thread::current().id();
        for o in outer {
            let inner = pool.run(8, 1, |r| {
                assert_eq!(thread::current().id(), thread);
                count(&counts, r.start + 8 * o..r.end + 8 * o);
            });
            inner.expect("ok");
        }
    })
    .expect("ok");
    assert!(once(&counts));
}

#[test]
fn many_submitters_and_pools() {
    let shared = pool(2, 20);
    let barrier = std::sync::Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let own = pool(2, 0);
                barrier.wait();
                for _ in 0..500 {
                    let (a, b) = (counted(9), counted(4));
                    shared.run(9, 2, |r| count(&a, r)).expect("ok");
                    let nested = |r| {
                        count(&b, r);
                        shared.run(1, 1, |_| ()).expect("ok");
                    };
                    own.run(4, 1, nested).expect("ok");
                    assert!(once(&a) && once(&b));
                }
            });
        }
    });
}

#[test]
fn a_panic_is_an_error_and_the_pool_goes_on() {
    let pool = pool(3, 20);
    for culprit in 0..3 {
        let counts = counted(3);
        let result = pool.run(3, 1, |r| {
            count(&counts, r.clone());
            assert!(r.start != culprit, "unit {culprit} fails");
        });
        let message = result.expect_err("a task panicked").to_string();
        assert!(
            message.contains(&format!("unit {culprit} fails")),
            "{message}"
        );
        assert!(once(&counts));
    }
    pool.run(3, 1, |_| ()).expect("usable");
}

#[test]
fn options_are_checked() {
    assert!(matches!(Pool::new(0), Err(PoolError::Threads(0))));
    assert!(matches!(Pool::new(5000), Err(PoolError::Threads(5000))));
    let mut options = PoolOptions {
        cores: vec![0],
        ..PoolOptions::new(2)
    };
    assert!(matches!(
        Pool::with(&options),
        Err(PoolError::Cores {
            cores: 1,
            threads: 2
        })
    ));
    for absent in [1000, 1_000_000] {
        options.cores = vec![absent; 2];
        let pool = Pool::with(&options).expect("only a warning");
        let [
            PoolError::Pin {
                worker: 1, core, ..
            },
        ] = pool.warnings()
        else {
            panic!("{:?}", pool.warnings());
        };
        assert_eq!(*core, absent);
        assert!(matches!(
            pool.pin_caller(),
            Err(PoolError::Pin { worker: 0, .. })
        ));
        pool.run(2, 1, |_| ()).expect("works all the same");
        let strict = PoolOptions {
            strict: true,
            ..options.clone()
        };
        assert!(matches!(Pool::with(&strict), Err(PoolError::Pin { .. })));
    }
}

#[test]
fn workers_are_bound_to_cores() {
    let first = crate::ffi::tests::allowed_cores()[0];
    let options = PoolOptions {
        cores: vec![first; 2],
        strict: true,
        ..PoolOptions::new(2)
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let pool = Pool::with(&options).expect("the core is allowed");
            pool.pin_caller().expect("the core is allowed");
            let bound = Mutex::new(vec![]);
            pool.run(2, 1, |_| {
                let cores = crate::ffi::tests::allowed_cores();
                bound.lock().unwrap().push(cores);
            })
            .expect("ok");
            assert_eq!(bound.into_inner().unwrap(), [vec![first], vec![first]]);
        });
    });
}

#[test]
fn a_pool_ends_while_its_workers_sleep_and_while_they_spin() {
    for spin in [0, 10_000] {
        for _ in 0..50 {
            let pool = pool(3, spin);
            pool.run(3, 1, |_| ()).expect("ok");
        }
    }
}
