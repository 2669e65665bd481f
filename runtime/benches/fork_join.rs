//! What a fork and join of the worker pool costs: `cargo bench -p spec-runtime --bench fork_join [THREADS]`.
//!
//! Each line is one empty task a thread. *spinning*: one run right after the other, in batches. *asleep*: a pause before each
//! run that is longer than workers spin. Median and best of many, in microseconds.

#![allow(clippy::print_stdout)] // a tool of its own

use spec_runtime::pool::{Pool, PoolOptions};
use std::time::{Duration, Instant};

const BATCH: u32 = 100;

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median_and_best(mut samples: Vec<f64>) -> (f64, f64) {
    samples.sort_by(f64::total_cmp);
    (samples[samples.len() / 2], samples[0])
}

fn spinning(pool: &Pool) -> (f64, f64) {
    let units = pool.threads() as i64;
    let batch = || {
        let start = Instant::now();
        for _ in 0..BATCH {
            pool.run(units, 1, |range| _ = std::hint::black_box(range))
                .expect("does not panic");
        }
        micros(start.elapsed()) / f64::from(BATCH)
    };
    batch();
    median_and_best((0..1000).map(|_| batch()).collect())
}

fn asleep(pool: &Pool) -> (f64, f64) {
    let units = pool.threads() as i64;
    let run = |_| {
        std::thread::sleep(Duration::from_millis(1));
        let start = Instant::now();
        pool.run(units, 1, |range| _ = std::hint::black_box(range))
            .expect("does not panic");
        micros(start.elapsed())
    };
    median_and_best((0..300).map(run).collect())
}

fn main() {
    let given = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let most = given.unwrap_or(cores);
    println!(
        "{:>8} {:>24} {:>24}",
        "threads", "spinning: median, best", "asleep: median, best"
    );
    for threads in 1..=most {
        let pool = Pool::with(&PoolOptions::new(threads)).expect("threads start");
        let (spinning, asleep) = (spinning(&pool), asleep(&pool));
        println!(
            "{threads:>8} {:>15.2} {:>8.2} {:>15.1} {:>8.1}",
            spinning.0, spinning.1, asleep.0, asleep.1
        );
    }
}
