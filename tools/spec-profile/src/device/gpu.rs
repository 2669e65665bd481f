//! Figures of a GPU: what its driver says, and launches, waits, copies and arithmetic as measured.

use super::file::GpuFigures;
use super::kernels::{FMAS, READS, WORKGROUP, module};
use crate::statistics::median;
use spec_runtime::schedule::{
    Access, Buffer as Place, Dispatch, KernelInfo, STATUS_BYTES, Schedule, Span,
};
use spec_runtime::vulkan::{Buffer, Gpu, Options, Recorded, VulkanError};
use std::time::Instant;

/// Bytes that are streamed and copied.
const BYTES: u64 = 64 << 20;
/// Dispatches of a schedule whose launches are counted.
const LAUNCHES: usize = 200;
/// Bytes of a vector.
const VECTOR: u64 = 16;

/// Measures the GPU that `options` choose, about `seconds` for each figure.
///
/// # Errors
/// It cannot be opened, or a run fails.
pub(super) fn measure(options: &Options, seconds: f64) -> Result<GpuFigures, VulkanError> {
    let gpu = Gpu::open(options)?;
    let properties = gpu.properties().clone();
    let bytes = BYTES.min(properties.max_storage_buffer_range / 4096 * 4096);
    let one = launches(&gpu, 1, seconds)?;
    let many = launches(&gpu, LAUNCHES, seconds)?;
    let launch = ((many - one) / (LAUNCHES - 1) as f64).max(1e-9);
    let (write, read_back) = copies(&gpu, bytes, seconds)?;
    let float = math(&gpu, false, seconds)?;
    let half = if properties.features.float16 {
        Some(math(&gpu, true, seconds)?)
    } else {
        None
    };
    Ok(GpuFigures {
        launch,
        sync: (one - launch).max(1e-9),
        bandwidth: stream(&gpu, bytes, seconds)?,
        streamed: bytes,
        host_to_device: write,
        device_to_host: read_back,
        float,
        half,
        properties,
    })
}

fn kernel(entry: &str, bindings: u32) -> KernelInfo {
    KernelInfo {
        entry: entry.to_owned(),
        bindings,
        push_words: 0,
        workgroup: [WORKGROUP, 1, 1],
    }
}

fn span(argument: u32, bytes: u64, access: Access) -> Span {
    Span {
        buffer: Place::Argument(argument),
        offset: 0,
        bytes,
        access,
    }
}

fn schedule(kernel: KernelInfo, groups: u32, spans: &[Span], times: usize) -> Schedule {
    let one = Dispatch {
        kernel: 0,
        groups: [groups, 1, 1],
        barrier: true,
        spans: spans.to_vec(),
        push: vec![],
    };
    let mut dispatches = vec![one; times];
    if let Some(first) = dispatches.first_mut() {
        first.barrier = false; // there is nothing before it
    }
    Schedule {
        workspace_bytes: STATUS_BYTES,
        constants_bytes: 0,
        kernels: vec![kernel],
        dispatches,
    }
}

/// The median seconds of a run, submit and wait included.
fn time(recorded: &mut Recorded, seconds: f64) -> Result<f64, VulkanError> {
    recorded.run()?;
    let (mut times, start) = (vec![], Instant::now());
    while times.len() < 3 || (start.elapsed().as_secs_f64() < seconds && times.len() < 1000) {
        let start = Instant::now();
        recorded.run()?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(median(&times).unwrap_or(f64::INFINITY))
}

/// Seconds of a submission of `count` empty kernels, each waiting for the one before.
fn launches(gpu: &Gpu, count: usize, seconds: f64) -> Result<f64, VulkanError> {
    let bytes = u64::from(WORKGROUP) * 4;
    let buffer = gpu.buffer(bytes)?;
    let spans = [span(0, bytes, Access::Write)];
    let schedule = schedule(kernel("touch", 1), 1, &spans, count);
    let program = gpu.program(&module(false), &schedule, &[])?;
    time(&mut program.bind(&[&buffer])?, seconds)
}

/// Bytes a second that kernels read.
fn stream(gpu: &Gpu, bytes: u64, seconds: f64) -> Result<f64, VulkanError> {
    let a_group = u64::from(WORKGROUP * READS) * VECTOR;
    let limit = u64::from(gpu.properties().groups.first().copied().unwrap_or(1));
    let groups = (bytes / a_group).clamp(1, limit);
    let read = groups * a_group;
    let written = groups * u64::from(WORKGROUP) * VECTOR;
    let (input, output) = (gpu.buffer(read)?, gpu.buffer(written)?);
    let spans = [span(0, read, Access::Read), span(1, written, Access::Write)];
    let schedule = schedule(kernel("read", 2), groups as u32, &spans, 1);
    let program = gpu.program(&module(false), &schedule, &[])?;
    let taken = time(&mut program.bind(&[&input, &output])?, seconds)?;
    Ok((read + written) as f64 / taken)
}

/// Operations a second of all cores; a multiply-add is two.
fn math(gpu: &Gpu, half: bool, seconds: f64) -> Result<f64, VulkanError> {
    let limit = gpu
        .properties()
        .groups
        .first()
        .copied()
        .unwrap_or(1)
        .min(1 << 14);
    let mut groups = 16.min(limit);
    loop {
        let bytes = u64::from(groups * WORKGROUP) * VECTOR;
        let buffer = gpu.buffer(bytes)?;
        let spans = [span(0, bytes, Access::Write)];
        let schedule = schedule(kernel("math", 1), groups, &spans, 1);
        let program = gpu.program(&module(half), &schedule, &[])?;
        let mut recorded = program.bind(&[&buffer])?;
        let taken = time(&mut recorded, 0.0)?;
        // long enough that submit and wait do not count
        if taken < 0.02 && groups < limit {
            groups = (groups * 4).min(limit);
            continue;
        }
        let taken = time(&mut recorded, seconds)?;
        let operations = f64::from(groups * WORKGROUP) * f64::from(FMAS) * 8.0;
        return Ok(operations / taken);
    }
}

/// Bytes a second at which the host writes to, and reads from, memory that the device sees.
fn copies(gpu: &Gpu, bytes: u64, seconds: f64) -> Result<(f64, f64), VulkanError> {
    let mut buffer = gpu.buffer(bytes)?;
    let mut host = vec![1_u8; bytes as usize];
    let (mut writes, mut reads, start) = (vec![], vec![], Instant::now());
    while writes.len() < 3 || (start.elapsed().as_secs_f64() < seconds && writes.len() < 100) {
        let start = Instant::now();
        copy(&mut buffer, &host);
        writes.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        host.copy_from_slice(&buffer.as_slice());
        reads.push(start.elapsed().as_secs_f64());
        std::hint::black_box(&host);
    }
    let rate = |times: &[f64]| bytes as f64 / median(times).unwrap_or(f64::INFINITY);
    Ok((rate(&writes), rate(&reads)))
}

fn copy(buffer: &mut Buffer, host: &[u8]) {
    buffer.as_mut_slice().copy_from_slice(host);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kernel computes what it says; without a Vulkan driver there is nothing to run on.
    #[test]
    fn kernels_compute() {
        let Ok(gpu) = Gpu::open(&Options::default()) else {
            return;
        };
        let words = |buffer: &Buffer| -> Vec<u32> {
            let bytes = buffer.as_slice();
            let (chunks, _) = bytes.as_chunks::<4>();
            chunks.iter().map(|c| u32::from_le_bytes(*c)).collect()
        };
        let run = |schedule: &Schedule, half: bool, buffers: &[&Buffer]| {
            let program = gpu
                .program(&module(half), schedule, &[])
                .expect("a program");
            program.bind(buffers).expect("bound").run().expect("it ran");
        };
        let groups = 3;
        let n = groups * WORKGROUP;

        let touched = gpu.buffer(u64::from(n) * 4).expect("room");
        let spans = [span(0, u64::from(n) * 4, Access::Write)];
        run(
            &schedule(kernel("touch", 1), groups, &spans, 1),
            false,
            &[&touched],
        );
        assert_eq!(words(&touched), (0..n).collect::<Vec<_>>());

        let (read, written) = (u64::from(n * READS) * 16, u64::from(n) * 16);
        let mut input = gpu.buffer(read).expect("room");
        let ones: Vec<u8> = (0..read / 4).flat_map(|_| 1.0_f32.to_le_bytes()).collect();
        copy(&mut input, &ones);
        let output = gpu.buffer(written).expect("room");
        let spans = [span(0, read, Access::Read), span(1, written, Access::Write)];
        run(
            &schedule(kernel("read", 2), groups, &spans, 1),
            false,
            &[&input, &output],
        );
        let sums: Vec<f32> = words(&output).into_iter().map(f32::from_bits).collect();
        assert!(sums.iter().all(|s| *s == READS as f32), "{:?}", &sums[..4]);

        for half in [false, true] {
            if half && !gpu.properties().features.float16 {
                continue;
            }
            let out = gpu.buffer(written).expect("room");
            let spans = [span(0, written, Access::Write)];
            run(
                &schedule(kernel("math", 1), groups, &spans, 1),
                half,
                &[&out],
            );
            let found = f32::from_bits(words(&out)[4]); // of invocation 1
            let mut sums: Vec<f64> = (0..8).map(|i| 1.0 + f64::from(i) * 0.001).collect();
            let next = 1.008;
            for _ in 0..32 {
                sums.iter_mut().for_each(|s| *s = *s * 0.999 + 0.001);
            }
            let expected = next + sums.iter().sum::<f64>();
            assert!(
                (f64::from(found) - expected).abs() < 0.1,
                "{found} {expected}"
            );
        }
    }
}
