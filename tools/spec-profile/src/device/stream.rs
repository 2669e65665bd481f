//! Bandwidth, arithmetic and fork-join times of CPU cores.

use super::cluster::Cluster;
use super::flops::{Peak, byte_peak, float_peak};
use crate::statistics::median;
use spec_runtime::memory::{Memory, MemoryError};
use spec_runtime::pool::{Pool, PoolError, PoolOptions};
use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A measurement on the CPU fails.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// No threads on these cores.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// No thread.
    #[error("a measuring thread cannot be started, or panicked")]
    Thread,
}

/// What was measured on a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuFigures {
    /// Streaming read by one core, bytes a second.
    pub bandwidth_one: f64,
    /// Streaming read by all cores of the cluster, bytes a second.
    pub bandwidth_all: f64,
    /// Bytes that were read a pass.
    pub buffer: usize,
    /// Fork and join of all its cores, seconds; 0 for one core.
    pub fork_join: f64,
    /// Waking a sleeping thread of the cluster, seconds; 0 for one core.
    pub wake: f64,
    /// Multiply-adds in f32 of one core.
    pub float: Option<Peak>,
    /// Dot products of bytes of one core.
    pub bytes: Option<Peak>,
    /// Rate of all cores at once, divided by that of one.
    pub scaling: f64,
}

/// Bytes to stream: beyond the largest cache, where that leaves most of the memory free.
pub(super) fn buffer_bytes(clusters: &[Cluster], available: u64) -> usize {
    const LEAST: u64 = 256 << 20;
    const MOST: u64 = 1 << 30;
    let cache = clusters
        .iter()
        .filter_map(|c| c.last_level)
        .max()
        .unwrap_or(0);
    let wanted = cache.saturating_mul(4).clamp(LEAST, MOST);
    usize::try_from(wanted.min(available / 4).max(1 << 20)).unwrap_or(usize::MAX)
}

/// Runs `work` on a thread of its own, so that binding to a core ends with it.
fn apart<T: Send>(work: impl FnOnce() -> Result<T, StreamError> + Send) -> Result<T, StreamError> {
    std::thread::scope(|scope| scope.spawn(work).join().map_err(|_| StreamError::Thread)?)
}

fn pool(cores: &[usize], spin: Option<Duration>) -> Result<Pool, StreamError> {
    let mut options = PoolOptions::new(cores.len());
    options.cores = cores.to_vec();
    options.strict = true;
    options.spin = spin;
    let pool = Pool::with(&options)?;
    pool.pin_caller()?;
    Ok(pool)
}

/// Measures one cluster, about `seconds` for each figure.
pub(super) fn measure(
    cluster: &Cluster,
    buffer: usize,
    seconds: f64,
) -> Result<CpuFigures, StreamError> {
    let first: Vec<usize> = cluster.cores.iter().take(1).copied().collect();
    let (one, float, bytes) = apart(|| {
        let pool = pool(&first, None)?;
        let float = float_peak(seconds);
        Ok((
            bandwidth(&pool, buffer, seconds)?,
            float,
            byte_peak(seconds),
        ))
    })?;
    let mut figures = CpuFigures {
        bandwidth_one: one,
        bandwidth_all: one,
        buffer,
        float,
        bytes,
        scaling: 1.0,
        ..CpuFigures::default()
    };
    if cluster.cores.len() < 2 {
        return Ok(figures);
    }
    apart(|| {
        let all = pool(&cluster.cores, None)?;
        figures.bandwidth_all = bandwidth(&all, buffer, seconds)?.max(one);
        figures.fork_join = joins(&all, Duration::ZERO)?;
        if let Some(single) = figures.float.as_ref().map(|p| p.rate) {
            figures.scaling = together(&all, seconds)? / single;
        }
        Ok(())
    })?;
    figures.wake = apart(|| {
        let sleepy = pool(&cluster.cores, Some(Duration::ZERO))?;
        joins(&sleepy, Duration::from_micros(200))
    })?;
    Ok(figures)
}

/// Streaming read by all cores of all clusters, bytes a second.
pub(super) fn everything(
    cpus: &[(Cluster, CpuFigures)],
    buffer: usize,
    seconds: f64,
) -> Result<f64, StreamError> {
    if let [(_, only)] = cpus {
        return Ok(only.bandwidth_all);
    }
    let cores: Vec<usize> = cpus.iter().flat_map(|(c, _)| c.cores.clone()).collect();
    let all = apart(|| bandwidth(&pool(&cores, None)?, buffer, seconds))?;
    let single = cpus.iter().map(|(_, f)| f.bandwidth_all);
    Ok(single.fold(all, f64::max))
}

/// Sums up the words of a slice in eight streams.
fn sum(bytes: &[u8]) -> u64 {
    const STREAMS: usize = 8;
    let part = bytes.len() / STREAMS / 8 * 8;
    let mut sums = [0_u64; STREAMS];
    let streams: Vec<_> = (0..STREAMS)
        .map(|i| bytes.get(i * part..(i + 1) * part).unwrap_or_default())
        .map(|s| s.as_chunks::<8>().0)
        .collect();
    for i in 0..part / 8 {
        for (sum, stream) in sums.iter_mut().zip(&streams) {
            *sum = sum.wrapping_add(stream.get(i).map_or(0, |c| u64::from_ne_bytes(*c)));
        }
    }
    sums.iter().fold(0, |a, b| a.wrapping_add(*b))
}

/// Bytes a second of a pool that reads a buffer, each thread a part of it; the median of several passes.
fn bandwidth(pool: &Pool, bytes: usize, seconds: f64) -> Result<f64, StreamError> {
    let mut memory = Memory::huge(bytes)?;
    for (i, page) in memory.bytes_mut().chunks_mut(4096).enumerate() {
        page.fill(i as u8);
    }
    let data = memory.bytes();
    let blocks = data.len() / 4096;
    let total = Mutex::new(0_u64);
    let pass = || {
        let start = Instant::now();
        pool.run(blocks as i64, 1, |range: Range<i64>| {
            let range = range.start as usize * 4096..range.end as usize * 4096;
            let part = sum(data.get(range).unwrap_or_default());
            if let Ok(mut total) = total.lock() {
                *total = total.wrapping_add(part);
            }
        })?;
        Ok::<_, StreamError>(start.elapsed().as_secs_f64())
    };
    pass()?;
    let (mut times, start) = (vec![], Instant::now());
    while times.len() < 3 || (start.elapsed().as_secs_f64() < seconds && times.len() < 100) {
        times.push(pass()?);
    }
    std::hint::black_box(total);
    Ok(bytes as f64 / median(&times).unwrap_or(f64::INFINITY))
}

/// Seconds of a fork and join of empty work, with a pause before each; the median.
fn joins(pool: &Pool, pause: Duration) -> Result<f64, StreamError> {
    let threads = pool.threads() as i64;
    let mut times = vec![];
    for _ in 0..400 {
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        let start = Instant::now();
        pool.run(threads, 1, |range| {
            std::hint::black_box(range);
        })?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(median(&times).unwrap_or(0.0))
}

/// Multiply-adds a second of all threads at once.
fn together(pool: &Pool, seconds: f64) -> Result<f64, StreamError> {
    let rates = Mutex::new(0.0);
    pool.run(pool.threads() as i64, 1, |_| {
        if let (Some(peak), Ok(mut rates)) = (float_peak(seconds), rates.lock()) {
            *rates += peak.rate;
        }
    })?;
    rates.into_inner().map_err(|_| StreamError::Thread)
}
