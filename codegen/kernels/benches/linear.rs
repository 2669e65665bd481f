//! Time of `linear` on one core of this machine as a multiple of the time that a streaming read of the same weights takes: the floor
//! is 1. Arguments pick lines: each must occur in a line's label, such as `m5.`, `i4`, `49152x576`. `shapes=1536x8960,...` measures other
//! shapes, [N, K], `tokens=1,4` other calls, `mb=` sets the size of the buffer that weights rotate in. Medians are of passes whose read took
//! its turn beside the kernel; `best` is the fastest pass, for machines that others use. `asm=CPU` prints the assembly for that core instead
//! (`cortex-a55`, ...).

#![allow(clippy::print_stdout, reason = "printing the figures is its purpose")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::Command;

use common::Machine;
use spec_kernels::{Activations, DType, Format, Kernel, Layout, Linear, Slot};

/// Shapes of SmolLM2-135M, [N, K].
const SHAPES: [(i64, i64); 5] = [
    (576, 576),
    (192, 576),
    (1536, 576),
    (576, 1536),
    (49152, 576),
];

fn formats() -> Vec<(&'static str, Format, Activations)> {
    let dense = |dtype, layout| (Format::Dense { dtype, layout }, Activations::Float);
    let (i8, i4) = (
        |group| Format::I8 {
            group,
            scale: DType::F16,
        },
        |group| Format::I4 {
            group,
            scale: DType::F16,
        },
    );
    let list = [
        ("f32", dense(DType::F32, Layout::OutIn)),
        ("f16", dense(DType::F16, Layout::OutIn)),
        ("bf16", dense(DType::BF16, Layout::OutIn)),
        ("f32kn", dense(DType::F32, Layout::InOut)),
        ("f16kn", dense(DType::F16, Layout::InOut)),
        ("i8row", (i8(0), Activations::Float)),
        ("i8g32", (i8(32), Activations::Float)),
        ("i4g32", (i4(32), Activations::Float)),
        ("i8g32dot", (i8(32), Activations::I8)),
        ("i4g32dot", (i4(32), Activations::I8)),
    ];
    list.map(|(name, (format, activations))| (name, format, activations))
        .to_vec()
}

fn bytes(slot: &Slot) -> u64 {
    match *slot {
        Slot::Read {
            dtype, elements, ..
        }
        | Slot::Write {
            dtype, elements, ..
        } => elements as u64 * dtype.bytes(),
        Slot::Scalar { .. } => 8,
    }
}

/// Size of the buffer that weights rotate in; small ones show what caches give.
fn megabytes() -> u64 {
    std::env::args()
        .find_map(|a| a.strip_prefix("mb=")?.parse().ok())
        .unwrap_or(512)
}

/// The numbers of the argument that starts with `name`, a list with commas.
fn list(name: &str) -> Option<Vec<String>> {
    let found = std::env::args().find_map(|a| a.strip_prefix(name).map(str::to_owned));
    found.map(|list| list.split(',').map(str::to_owned).collect())
}

fn shapes() -> Vec<(i64, i64)> {
    let parse = |shape: String| {
        let (n, k) = shape.split_once('x').expect("NxK");
        (n.parse().expect("N"), k.parse().expect("K"))
    };
    list("shapes=").map_or(SHAPES.to_vec(), |l| l.into_iter().map(parse).collect())
}

fn tokens() -> Vec<i64> {
    list("tokens=").map_or(vec![1, 5, 8, 16], |l| {
        l.iter().map(|m| m.parse().expect("tokens")).collect()
    })
}

/// Seconds of the kernel and of the read, their ratio, the best pass's seconds, and bytes.
fn measure(linear: &Linear, machine: &Machine) -> ([f64; 4], u64) {
    let kernel = Kernel::Linear(linear.clone());
    let compiled = common::compile_with(
        &kernel,
        machine,
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/linear.c"),
    );
    let slots: Vec<_> = kernel.slots().iter().map(bytes).collect();
    let scale = if slots.len() == 4 { slots[2] } else { 0 };
    let last = slots[slots.len() - 1];
    let numbers = [
        slots[1],
        scale,
        slots[0],
        last,
        kernel.units() as u64,
        megabytes(),
        15,
    ];
    let output = Command::new(compiled.program())
        .args(numbers.map(|n| n.to_string()))
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut seconds = text
        .split_whitespace()
        .map(|s| s.parse::<f64>().expect("a number"));
    let mut next = || seconds.next().expect("four numbers");
    ([next(), next(), next(), next()], slots[1] + scale)
}

fn print_assembly(linear: &Linear, machine: &Machine) {
    println!(
        "{}",
        common::assembly(&[Kernel::Linear(linear.clone())], machine)
    );
}

fn main() {
    let filters: Vec<_> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let all = [
        common::avx512(),
        common::avx_vnni(),
        common::avx2(),
        common::a55(),
        common::a53(),
    ];
    let assembly = list("asm=").and_then(|cpu| all.into_iter().find(|m| cpu[0] == m.cpu));
    let Some(machine) = common::runnable().into_iter().find(|m| {
        filters
            .iter()
            .all(|f| !f.starts_with("cpu=") || f[4..] == *m.cpu)
    }) else {
        return;
    };
    println!(
        "{:<30} {:>9} {:>8} {:>8} {:>7} {:>9}",
        machine.cpu, "us", "GB/s", "stream", "ratio", "best"
    );
    for (name, format, activations) in formats() {
        for (n, k) in shapes() {
            for m in tokens() {
                let label = format!("{name}. {n}x{k} m{m}.");
                if !filters
                    .iter()
                    .all(|f| f.contains('=') || label.contains(f.as_str()))
                {
                    continue;
                }
                let linear = Linear {
                    m,
                    n,
                    k,
                    x: DType::F32,
                    x_stride: k,
                    y: DType::F32,
                    y_stride: n,
                    format,
                    bias: None,
                    activations,
                };
                if let Some(machine) = &assembly {
                    print_assembly(&linear, machine);
                    continue;
                }
                let ([time, stream, ratio, best], bytes) = measure(&linear, &machine);
                let rate = |t: f64| bytes as f64 / t / 1e9;
                println!(
                    "{label:<30} {:9.2} {:8.2} {:8.2} {ratio:7.3} {:9.2}",
                    time * 1e6,
                    rate(time),
                    rate(stream),
                    best * 1e6
                );
            }
        }
    }
}
