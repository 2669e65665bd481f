//! Data for kernels: random numbers, operands of any float type, views of rows, comparison with f64.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::HashMap;

use spec_kernels::{DType, Kernel};

use crate::common::{Arg, Machine, a55, assembly, avx2, avx512, data, runnable};

pub use data::{Random, rounding as half_ulp};

/// Rounds to a type and back.
pub fn round(dtype: DType, x: f32) -> f32 {
    data::decode(&data::encode([x], dtype), dtype)[0]
}

/// Numbers as a buffer.
pub fn encode(dtype: DType, values: &[f32]) -> Arg {
    Arg::Buffer(data::encode(values.iter().copied(), dtype))
}

/// A buffer as numbers.
pub fn decode(dtype: DType, arg: &Arg) -> Vec<f32> {
    data::decode(arg.bytes(), dtype)
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
