//! Times of the kernels other than `linear` on one core of this machine, beside their floors: a streaming read of the same bytes, and the
//! time of the multiplications at the rate of fma alone. Arguments pick lines: each must occur in a line's label, such as `f16`, `m5`.
//! `cpu=x86-64-v3` picks a machine.

#![allow(clippy::print_stdout, reason = "a bench prints")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::Command;

use common::Machine;
use spec_kernels::{
    Activation, Argmax, Attention, DType, Function, HeadRows, Kernel, Norm, NormKind, Pairing,
    Rope, Slot, Softmax, Strides, Visible,
};

/// A line: label, kernel, position, names of the operands that rotate, bytes that must be read, fma operations (2 flop each).
struct Line {
    label: String,
    kernel: Kernel,
    position: i64,
    rotating: &'static [&'static str],
    bytes: f64,
    flops: f64,
}

fn attention((heads, kv_heads, d): (i64, i64, i64), m: i64, context: i64, cache: DType) -> Line {
    let rows = |dtype, tokens: i64| HeadRows {
        dtype,
        head: tokens * d,
        token: d,
    };
    let kernel = Attention {
        heads,
        kv_heads,
        m,
        d,
        capacity: context,
        q: rows(DType::F32, m),
        k: rows(cache, context),
        v: rows(cache, context),
        new: None,
        visible: Visible::Position,
        y: rows(DType::F32, m),
        scale: 0.125,
        softcap: 0.0,
    };
    Line {
        label: format!(
            "attention. h{heads} kv{kv_heads} d{d} m{m}. context {context}. {}.",
            cache.name()
        ),
        kernel: Kernel::Attention(kernel),
        position: context - m,
        rotating: &["k", "v"],
        bytes: (2 * kv_heads * context * d) as f64 * cache.bytes() as f64,
        flops: (4 * heads * m * context * d) as f64,
    }
}

fn others() -> Vec<Line> {
    let f32 = DType::F32;
    let line = |label: &str, kernel, rotating, bytes: i64| Line {
        label: format!("{label}."),
        kernel,
        position: 0,
        rotating,
        bytes: bytes as f64,
        flops: 0.0,
    };
    let argmax = |v, x| {
        Kernel::Argmax(Argmax {
            m: 1,
            v,
            x,
            x_stride: v,
            ids: DType::I32,
        })
    };
    let silu = |function| {
        Kernel::Activation(Activation {
            function,
            rows: 1,
            n: 1536,
            x: f32,
            x_stride: 1536,
            up: Some((f32, 1536)),
            y: f32,
            y_stride: 1536,
        })
    };
    let (kind, weight) = (NormKind::Rms, f32);
    let norm = Norm {
        kind,
        rows: 1,
        n: 576,
        x: f32,
        x_stride: 576,
        weight,
        bias: None,
        y: f32,
        y_stride: 576,
        eps: 1e-5,
        weight_offset: 0.0,
    };
    let strides = Strides { a: 64, b: 64 };
    let pairing = Pairing::Half;
    let rope = Rope {
        a: 9,
        b: 1,
        d: 64,
        token_dim: 1,
        pairing,
        x: f32,
        x_strides: strides,
        cos: f32,
        sin: f32,
        y: f32,
        y_strides: strides,
    };
    vec![
        line("argmax 49152 f32", argmax(49152, f32), &["x"], 49152 * 4),
        line(
            "argmax 49152 f16",
            argmax(49152, DType::F16),
            &["x"],
            49152 * 2,
        ),
        line(
            "softmax 49152",
            Kernel::Softmax(Softmax {
                rows: 1,
                n: 49152,
                x: f32,
                x_stride: 49152,
                y: f32,
                y_stride: 49152,
            }),
            &["x"],
            49152 * 4,
        ),
        line(
            "silu 1536 with up",
            silu(Function::Silu),
            &["x", "up"],
            1536 * 8,
        ),
        line(
            "gelu_tanh 1536 with up",
            silu(Function::GeluTanh),
            &["x", "up"],
            1536 * 8,
        ),
        line(
            "gelu 1536 with up",
            silu(Function::Gelu),
            &["x", "up"],
            1536 * 8,
        ),
        line("rms 576", Kernel::Norm(norm), &["x", "weight"], 576 * 8),
        line("rope 9 heads of 64", Kernel::Rope(rope), &["x"], 576 * 4),
    ]
}

/// Seconds of a call, seconds of the read, fma operations per second.
fn measure(line: &Line, machine: &Machine, megabytes: u64) -> [f64; 3] {
    let compiled = common::compile_with(
        &line.kernel,
        machine,
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rows.c"),
    );
    let mut command = Command::new(compiled.program());
    command.args([
        line.kernel.units().to_string(),
        megabytes.to_string(),
        "201".to_owned(),
    ]);
    for slot in line.kernel.slots() {
        match slot {
            Slot::Scalar { .. } => command.args(["s", &line.position.to_string()]),
            Slot::Read {
                name,
                dtype,
                elements,
            }
            | Slot::Write {
                name,
                dtype,
                elements,
            } => {
                let rotates = if line.rotating.contains(&name) {
                    "1"
                } else {
                    "0"
                };
                command.args(["b", &(elements as u64 * dtype.bytes()).to_string(), rotates])
            }
        };
    }
    let output = command.output().expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(|s| s.parse().expect("a number"))
        .collect();
    numbers.try_into().expect("three numbers")
}

fn main() {
    let filters: Vec<_> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let chosen = |m: &Machine| {
        filters
            .iter()
            .all(|f| !f.starts_with("cpu=") || f[4..] == *m.cpu)
    };
    let Some(machine) = common::runnable().into_iter().find(chosen) else {
        return;
    };
    let mut lines = Vec::new();
    for shape in [(9, 3, 64), (32, 8, 128)] {
        for m in [1, 5] {
            for context in [256, 2048] {
                lines.extend(
                    [DType::F32, DType::F16].map(|cache| attention(shape, m, context, cache)),
                );
            }
        }
    }
    lines.extend(others());
    println!(
        "{:<58} {:>9} {:>9} {:>9} {:>6} {:>9} {:>9} {:>6}",
        machine.cpu, "hot us", "fma us", "cold us", "/", "read us", "GB/s", "Gflop"
    );
    for line in lines.iter().filter(|l| {
        filters
            .iter()
            .all(|f| f.starts_with("cpu=") || l.label.contains(f.as_str()))
    }) {
        let ([hot, _, rate], [cold, read, _]) =
            (measure(line, &machine, 0), measure(line, &machine, 1024));
        println!(
            "{:<58} {:9.2} {:9.2} {:9.2} {:6.2} {:9.2} {:9.2} {:6.1}",
            line.label,
            hot * 1e6,
            line.flops / rate * 1e6,
            cold * 1e6,
            cold / read,
            read * 1e6,
            line.bytes / cold / 1e9,
            line.flops / hot / 1e9
        );
    }
}
