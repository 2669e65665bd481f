//! Peak rates of one core, by a loop that waits for nothing but its arithmetic.

use super::ffi::{Loop, byte_loop, float_loop};
use crate::statistics::median;
use spec_runtime::cpu::{CpuFeatures, Feature};
use std::time::Instant;

/// A measured peak.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak {
    /// Operations a second of one core.
    pub rate: f64,
    /// How it was measured.
    pub how: String,
}

/// Whether a feature can be used here: advertised, and it executes.
pub(super) fn usable(name: &str) -> bool {
    CpuFeatures::host().is_ok_and(|f| f.get(name) == Feature::Usable)
}

/// f32 multiply-adds of the thread that calls.
pub(super) fn float_peak(seconds: f64) -> Option<Peak> {
    peak(&float_loop(&usable), seconds)
}

/// Dot products of bytes, where there is an instruction.
pub(super) fn byte_peak(seconds: f64) -> Option<Peak> {
    peak(&byte_loop(&usable)?, seconds)
}

fn peak(work: &Loop, seconds: f64) -> Option<Peak> {
    let mut iterations = 1 << 12;
    let time = |iterations: u64| {
        let start = Instant::now();
        std::hint::black_box(work.run(std::hint::black_box(iterations)));
        start.elapsed().as_secs_f64()
    };
    // long enough for the clock, which also lets it rise
    while time(iterations) < 0.01 && iterations < 1 << 40 {
        iterations *= 2;
    }
    let start = Instant::now();
    let mut times = vec![];
    while times.len() < 5 || (start.elapsed().as_secs_f64() < seconds && times.len() < 1000) {
        times.push(time(iterations));
    }
    let seconds = median(&times).filter(|t| *t > 0.0)?;
    Some(Peak {
        rate: work.operations as f64 * iterations as f64 / seconds,
        how: format!("a loop of {}, median of {}", work.name, times.len()),
    })
}
