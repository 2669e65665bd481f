//! Runs `linear` and compares it with sums in double, and with itself in other company.

mod common;

use common::data::{Random, decode, encode, rounding};
use common::{Arg, Compiled, Machine};
use spec_kernels::{Activations, DType, Format, Kernel, Layout, Linear, Slot};

const F32: DType = DType::F32;
const F16: DType = DType::F16;
const BF16: DType = DType::BF16;

fn dense(dtype: DType) -> Format {
    Format::Dense {
        dtype,
        layout: Layout::OutIn,
    }
}

fn columns(dtype: DType) -> Format {
    Format::Dense {
        dtype,
        layout: Layout::InOut,
    }
}

fn linear(format: Format, (m, n, k): (i64, i64, i64)) -> Linear {
    Linear {
        m,
        n,
        k,
        x: F32,
        x_stride: k,
        y: F32,
        y_stride: n,
        format,
        bias: None,
        activations: Activations::Float,
    }
}

fn i8_activations(format: Format, shape: (i64, i64, i64)) -> Linear {
    Linear {
        activations: Activations::I8,
        ..linear(format, shape)
    }
}

/// Operands from a seed; y holds garbage.
fn operands(linear: &Linear) -> Vec<Arg> {
    let mut random = Random(42);
    let slots = Kernel::Linear(linear.clone()).slots();
    let arg = |slot: &Slot| match *slot {
        Slot::Read {
            name,
            dtype: DType::I8,
            elements,
        } => {
            assert_eq!(name, "weight");
            Arg::Buffer((0..elements).map(|_| random.bits() as u8).collect())
        }
        // Scales of about 1/64, so that values of all formats are of one size.
        Slot::Read {
            name: "scale",
            dtype,
            elements,
        } => Arg::Buffer(encode(
            (0..elements).map(|_| (random.unit() + 2.0) / 128.0),
            dtype,
        )),
        Slot::Read {
            dtype, elements, ..
        } => Arg::Buffer(encode((0..elements).map(|_| random.unit()), dtype)),
        Slot::Write {
            dtype, elements, ..
        } => Arg::Buffer(vec![0xA5; elements as usize * dtype.bytes() as usize]),
        Slot::Scalar { name } => panic!("linear has no scalar {name}"),
    };
    slots.iter().map(arg).collect()
}

/// The weight as numbers, row by row, scales applied.
fn weights(linear: &Linear, args: &[Arg]) -> Vec<f64> {
    let (n, k) = (linear.n as usize, linear.k as usize);
    let bytes = args[1].bytes();
    let scaled = |group: i64, dtype: DType, integer: &dyn Fn(usize, usize) -> f64| {
        let scales = decode(args[2].bytes(), dtype);
        let per_row = scales.len() / n;
        let group = if group == 0 { k } else { group as usize };
        (0..n * k)
            .map(|i| integer(i / k, i % k) * f64::from(scales[i / k * per_row + i % k / group]))
            .collect()
    };
    match linear.format {
        Format::Dense { dtype, layout } => {
            let w = decode(bytes, dtype);
            let at = |r: usize, c: usize| {
                if layout == Layout::OutIn {
                    w[r * k + c]
                } else {
                    w[c * n + r]
                }
            };
            (0..n * k).map(|i| f64::from(at(i / k, i % k))).collect()
        }
        Format::I8 { group, scale } => {
            scaled(group, scale, &|r, c| f64::from(bytes[r * k + c] as i8))
        }
        Format::I4 { group, scale } => scaled(group, scale, &|r, c| {
            let byte = bytes[r * k / 2 + c / 32 * 16 + c % 16];
            f64::from(if c % 32 < 16 { byte & 15 } else { byte >> 4 }) - 8.0
        }),
    }
}

/// A row of x as the products see it.
fn inputs(linear: &Linear, row: &[f32]) -> Vec<f64> {
    if linear.activations == Activations::Float {
        return row.iter().map(|&v| f64::from(v)).collect();
    }
    let group = match linear.format {
        Format::I4 { group: 64, .. } | Format::I8 { group: 64, .. } => 64,
        _ => 32,
    };
    let quantise = |group: &[f32]| {
        let most = group.iter().fold(0f32, |m, v| m.max(v.abs()));
        let (scale, inverse) = if most > 7.888609e-31 {
            (most / 127.0, 127.0 / most)
        } else {
            (0.0, 0.0)
        };
        group
            .iter()
            .map(|v| f64::from((v * inverse).round_ties_even()) * f64::from(scale))
            .collect::<Vec<_>>()
    };
    row.chunks(group).flat_map(quantise).collect()
}

/// Compares y with the sums in double.
fn check(linear: &Linear, args: &[Arg], what: &str) {
    let (n, k) = (linear.n as usize, linear.k as usize);
    let (x, y) = (
        decode(args[0].bytes(), linear.x),
        decode(args[args.len() - 1].bytes(), linear.y),
    );
    let bias = linear
        .bias
        .map(|dtype| decode(args[args.len() - 2].bytes(), dtype));
    let w = weights(linear, args);
    for m in 0..linear.m as usize {
        let row = inputs(linear, &x[m * linear.x_stride as usize..][..k]);
        for o in 0..n {
            let products = || row.iter().zip(&w[o * k..][..k]).map(|(a, b)| a * b);
            let bias = bias.as_ref().map_or(0.0, |b| f64::from(b[o]));
            let (want, size) = (
                products().sum::<f64>() + bias,
                products().map(f64::abs).sum::<f64>() + bias.abs(),
            );
            let got = f64::from(y[m * linear.y_stride as usize + o]);
            let limit = 5e-7 * size + rounding(linear.y) * want.abs() + 1e-7;
            assert!(
                (got - want).abs() <= limit,
                "{what}: y[{m}, {o}] is {got}, not {want}; limit {limit:e}"
            );
        }
        // What lies between rows is not written.
        let gap = &args[args.len() - 1].bytes()
            [(m * linear.y_stride as usize + n) * linear.y.bytes() as usize..];
        let gap = &gap[..gap
            .len()
            .min((linear.y_stride as usize - n) * linear.y.bytes() as usize)];
        assert!(
            gap.iter().all(|&b| b == 0xA5),
            "{what}: wrote behind row {m}"
        );
    }
}

fn compile(linear: &Linear, machine: &Machine) -> Compiled {
    common::compile(&Kernel::Linear(linear.clone()), machine)
}

fn whole(linear: &Linear) -> (i64, i64) {
    (0, Kernel::Linear(linear.clone()).units())
}

/// Runs and checks each kernel on each machine at hand, in one range and in many, last first.
fn run_all(kernels: &[Linear]) {
    for machine in common::executable() {
        for linear in kernels {
            let what = format!(
                "{} on {}",
                Kernel::Linear(linear.clone()).name(),
                machine.cpu
            );
            let compiled = compile(linear, &machine);
            let mut args = operands(linear);
            let (mut parts, (lo, hi)) = (args.clone(), whole(linear));
            compiled.run(&mut args, &[(lo, hi)]);
            check(linear, &args, &what);
            let grain = Kernel::Linear(linear.clone()).grain(&machine.target);
            let mut ranges: Vec<_> = (lo..hi)
                .step_by(grain as usize)
                .map(|a| (a, (a + grain).min(hi)))
                .collect();
            ranges.reverse();
            compiled.run(&mut parts, &ranges);
            assert_eq!(args, parts, "{what}: ranges change bits");
        }
    }
}

#[test]
fn dense_matches_sums_in_double() {
    run_all(&[
        linear(dense(F32), (1, 64, 64)),
        linear(dense(F32), (3, 7, 77)),
        linear(dense(F16), (1, 21, 129)),
        linear(dense(F16), (5, 37, 96)),
        Linear {
            bias: Some(F16),
            x: F16,
            y: F16,
            ..linear(dense(F16), (4, 18, 61))
        },
        linear(dense(BF16), (2, 33, 95)),
        Linear {
            bias: Some(F32),
            x: BF16,
            y: BF16,
            x_stride: 150,
            y_stride: 60,
            ..linear(dense(BF16), (16, 53, 131))
        },
        Linear {
            bias: Some(BF16),
            x_stride: 80,
            y_stride: 40,
            ..linear(dense(F32), (7, 39, 75))
        },
        linear(dense(F32), (13, 5, 3)),
        linear(dense(F32), (1, 1, 1)),
        linear(dense(F32), (40, 20, 50)),
    ]);
}

#[test]
fn columns_match_sums_in_double() {
    run_all(&[
        linear(columns(F32), (1, 256, 64)),
        linear(columns(F32), (1, 155, 67)),
        linear(columns(F16), (5, 300, 33)),
        Linear {
            bias: Some(BF16),
            x: BF16,
            y: F16,
            x_stride: 41,
            y_stride: 160,
            ..linear(columns(BF16), (16, 149, 38))
        },
        Linear {
            bias: Some(F32),
            x: F16,
            ..linear(columns(F16), (3, 9, 5))
        },
        linear(columns(F32), (9, 2, 3)),
    ]);
}

#[test]
fn i8_matches_sums_in_double() {
    let i8 = |group, scale| Format::I8 { group, scale };
    run_all(&[
        linear(i8(0, F32), (1, 33, 100)),
        Linear {
            bias: Some(F32),
            ..linear(i8(0, F16), (5, 19, 67))
        },
        linear(i8(32, F16), (1, 37, 576)),
        linear(i8(32, F16), (5, 21, 96)),
        Linear {
            bias: Some(F16),
            x: F16,
            y: BF16,
            x_stride: 130,
            y_stride: 50,
            ..linear(i8(32, F32), (16, 18, 128))
        },
        linear(i8(64, F16), (1, 9, 192)),
        linear(i8(64, F32), (6, 11, 128)),
    ]);
}

#[test]
fn i4_matches_sums_in_double() {
    let i4 = |group, scale| Format::I4 { group, scale };
    run_all(&[
        linear(i4(32, F16), (1, 37, 576)),
        linear(i4(32, F16), (5, 21, 96)),
        Linear {
            bias: Some(F32),
            x: BF16,
            ..linear(i4(32, F32), (16, 18, 128))
        },
        linear(i4(64, F16), (1, 9, 192)),
        linear(i4(64, F32), (3, 11, 128)),
    ]);
}

#[test]
fn i8_activations_match_sums_in_double() {
    let (i8, i4) = (
        |group, scale| Format::I8 { group, scale },
        |group, scale| Format::I4 { group, scale },
    );
    run_all(&[
        i8_activations(i8(0, F32), (1, 33, 100)),
        Linear {
            bias: Some(F32),
            ..i8_activations(i8(0, F16), (5, 19, 67))
        },
        i8_activations(i8(32, F16), (1, 37, 576)),
        Linear {
            x: F16,
            x_stride: 130,
            y: F16,
            ..i8_activations(i8(32, F32), (5, 21, 96))
        },
        i8_activations(i8(64, F16), (3, 9, 192)),
        i8_activations(i4(32, F16), (1, 37, 576)),
        Linear {
            x: BF16,
            bias: Some(F16),
            ..i8_activations(i4(32, F32), (9, 21, 96))
        },
        i8_activations(i4(64, F16), (6, 9, 192)),
        // Each way to bring rows to lanes, with rows left over.
        i8_activations(i8(32, F16), (4, 45, 160)),
        i8_activations(i4(32, F16), (2, 45, 160)),
        i8_activations(i4(64, F32), (1, 53, 192)),
        i8_activations(i8(0, F32), (16, 67, 101)),
        i8_activations(i4(32, F16), (16, 67, 96)),
        i8_activations(i4(64, F16), (9, 34, 128)),
        // More tokens than fit on the stack at once.
        i8_activations(i8(32, F16), (33, 5, 8192)),
    ]);
}

/// One token alone has the bits that it has among others, in every format.
#[test]
fn company_changes_no_bit() {
    let (i8, i4) = (
        |group| Format::I8 { group, scale: F16 },
        |group| Format::I4 { group, scale: F16 },
    );
    let shape = |format| {
        if let Format::Dense { .. } = format {
            (1, 45, 83)
        } else {
            (1, 45, 192)
        }
    };
    let plain = [
        dense(F32),
        dense(F16),
        dense(BF16),
        columns(F32),
        columns(F16),
        i8(0),
        i8(32),
        i8(64),
        i4(32),
        i4(64),
    ];
    let quantised = [i8(0), i8(32), i8(64), i4(32), i4(64)];
    let alone = plain
        .map(|f| Linear {
            bias: Some(F32),
            y: BF16,
            ..linear(f, shape(f))
        })
        .into_iter();
    let alone = alone.chain(quantised.map(|f| Linear {
        bias: Some(F32),
        ..i8_activations(f, shape(f))
    }));
    let machines = common::executable();
    let all = alone.flat_map(|one| machines.iter().map(move |m| (one.clone(), m)));
    // Emulation takes its time: integers, which differ most from core to core.
    let chosen = all.filter(|(one, m)| one.activations == Activations::I8 || !common::foreign(m));
    for (one, machine) in chosen {
        let single = compile(&one, machine);
        for m in [2, 5, 16] {
            let many = Linear { m, ..one.clone() };
            let mut args = operands(&many);
            compile(&many, machine).run(&mut args, &[whole(&many)]);
            let (x_row, y_row) = (
                one.k as usize * one.x.bytes() as usize,
                one.n as usize * one.y.bytes() as usize,
            );
            for token in [0, m as usize / 2, m as usize - 1] {
                let mut lone = args.clone();
                lone[0] = Arg::Buffer(args[0].bytes()[token * x_row..][..x_row].to_vec());
                let y = args.len() - 1;
                lone[y] = Arg::Buffer(vec![0xA5; y_row]);
                single.run(&mut lone, &[whole(&one)]);
                assert_eq!(
                    lone[y].bytes(),
                    &args[y].bytes()[token * y_row..][..y_row],
                    "{:?} on {}: token {token} of {m}",
                    one,
                    machine.cpu
                );
            }
        }
    }
}
