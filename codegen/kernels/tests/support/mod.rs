//! Data for kernels: random numbers, operands of any float type, views of rows, comparison with f64.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::HashMap;

use half::{bf16, f16};
use spec_kernels::{DType, Kernel};

use crate::common::{Arg, Machine, a55, assembly, avx2, avx512, runnable};

/// A small generator of numbers that only depend on the seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Evenly in [-1, 1).
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "24 random bits"
    )]
    pub fn unit(&mut self) -> f32 {
        ((self.bits() >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    }

    pub fn units(&mut self, n: usize, size: f32) -> Vec<f32> {
        (0..n).map(|_| size * self.unit()).collect()
    }

    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() >> 33).expect("31 bits") % n
    }
}

/// Rounds to a type and back.
pub fn round(dtype: DType, x: f32) -> f32 {
    match dtype {
        DType::F16 => f16::from_f32(x).to_f32(),
        DType::BF16 => bf16::from_f32(x).to_f32(),
        _ => x,
    }
}

/// Numbers as a buffer.
pub fn encode(dtype: DType, values: &[f32]) -> Arg {
    Arg::Buffer(match dtype {
        DType::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::F16 => values
            .iter()
            .flat_map(|&v| f16::from_f32(v).to_le_bytes())
            .collect(),
        DType::BF16 => values
            .iter()
            .flat_map(|&v| bf16::from_f32(v).to_le_bytes())
            .collect(),
        _ => panic!("not a float"),
    })
}

/// A buffer as numbers.
pub fn decode(dtype: DType, arg: &Arg) -> Vec<f32> {
    let pair = |b: &[u8]| [b[0], b[1]];
    match dtype {
        DType::F32 => arg.to_f32(),
        DType::F16 => arg
            .bytes()
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes(pair(b)).to_f32())
            .collect(),
        DType::BF16 => arg
            .bytes()
            .chunks_exact(2)
            .map(|b| bf16::from_le_bytes(pair(b)).to_f32())
            .collect(),
        _ => panic!("not a float"),
    }
}

/// Half a unit in the last place of a type, relative.
pub fn half_ulp(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 2f64.powi(-11),
        DType::BF16 => 2f64.powi(-8),
        _ => 2f64.powi(-24),
    }
}

/// Fails unless each of `got` is within `relative * |want| + absolute` of `want`, plus the rounding of `dtype`.
pub fn close(
    what: &str,
    dtype: DType,
    got: &[f32],
    want: &[f64],
    (relative, absolute): (f64, f64),
) {
    assert_eq!(got.len(), want.len(), "{what}");
    let smallest = if dtype == DType::F16 { 3e-8 } else { 0.0 };
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        if want.is_nan() {
            assert!(got.is_nan(), "{what}: element {i} is {got}, should be NaN");
            continue;
        }
        let error = (f64::from(got) - want).abs();
        let allowed = (relative + half_ulp(dtype)) * want.abs() + absolute + smallest;
        assert!(
            error <= allowed,
            "{what}: element {i} is {got}, should be {want}: off by {error:e}, {allowed:e} is allowed"
        );
    }
}

/// An index of shapes.
pub fn at(n: i64) -> usize {
    usize::try_from(n).expect("not negative")
}

/// Runs a test on the widest machine of each width that this machine can run, and with the text for NEON: these kernels use no
/// instruction of one architecture, so that their text for one runs on another.
pub fn each_machine(test: impl Fn(&Machine)) {
    let machines = runnable();
    let Some(last) = machines.last() else {
        panic!("no machine to test on")
    };
    test(&Machine {
        target: a55().target,
        ..last.clone()
    });
    let mut seen = vec![128];
    for machine in machines {
        if !seen.contains(&machine.target.vector_bits) {
            seen.push(machine.target.vector_bits);
            test(&machine);
        }
    }
}

/// Blocks of assembly by the innermost loop that they are in, as llc's comments say.
fn inner_loops(assembly: &str) -> HashMap<String, Vec<&str>> {
    let mut blocks: Vec<(String, String, Vec<&str>)> = Vec::new();
    for line in assembly.lines() {
        let text = line.trim_start();
        let comment = text.trim_start_matches(['#', '/', ' ']);
        if line.starts_with(".LBB") || comment.starts_with("%bb.") {
            let name = comment
                .split([':', ' '])
                .next()
                .unwrap_or_default()
                .trim_start_matches(".L")
                .to_owned();
            blocks.push((name, line.to_owned(), Vec::new()));
        } else if let Some((_, head, lines)) = blocks.last_mut() {
            if lines.is_empty() && (text.starts_with('#') || text.starts_with("//")) {
                head.push_str(text);
            } else {
                lines.push(line);
            }
        }
    }
    let innermost = blocks
        .iter()
        .filter(|(_, head, _)| head.contains("This Inner Loop Header"));
    let headers: Vec<String> = innermost.map(|block| block.0.clone()).collect();
    let mut loops = HashMap::new();
    for (name, head, lines) in &blocks {
        let of = |h: &&String| *h == name || head.contains(&format!("in Loop: Header={h} "));
        if let Some(header) = headers.iter().find(of) {
            loops
                .entry(header.clone())
                .or_insert_with(Vec::new)
                .extend(lines.iter().copied());
        }
    }
    loops
}

/// Fails if an innermost loop of the kernel writes a register to the stack for want of another, on a small in-order Arm core, with AVX2,
/// with AVX-512. (What does not change in the loop may be read from the stack: it would otherwise be read from where it was, constants from
/// the constant pool and rows of q from their scratch memory.)
pub fn no_spills_in_loops(kernel: &Kernel) {
    for machine in [a55(), avx2(), avx512()] {
        let text = assembly(std::slice::from_ref(kernel), &machine);
        let loops = inner_loops(&text);
        assert!(!loops.is_empty(), "no inner loop in:\n{text}");
        for (name, lines) in loops {
            let spills = lines.iter().any(|l| l.contains(" Spill"));
            assert!(
                !spills,
                "{} on {}: loop {name}:\n{}",
                kernel.name(),
                machine.cpu,
                lines.join("\n")
            );
        }
    }
}
