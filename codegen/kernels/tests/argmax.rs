//! The index of the largest element: first of equals, never a NaN.

mod common;
mod support;

use common::{Arg, Compiled, compile};
use spec_kernels::{Argmax, DType, Kernel};
use support::{Random, at, encode, round};

fn argmax(m: i64, v: i64, x: DType) -> Argmax {
    Argmax {
        m,
        v,
        x,
        x_stride: v,
        ids: DType::I32,
    }
}

fn run(a: &Argmax, compiled: &Compiled, x: &[f32]) -> Vec<i64> {
    let width = a.ids.bytes() as usize;
    let mut args = [encode(a.x, x), Arg::Buffer(vec![0xEE; at(a.m) * width])];
    compiled.run(&mut args, &[(0, 1), (1, a.m)]);
    let number = |b: &[u8]| {
        if width == 8 {
            i64::from_le_bytes(b.try_into().expect("8"))
        } else {
            i64::from(i32::from_le_bytes(b.try_into().expect("4")))
        }
    };
    args[1].bytes().chunks(width).map(number).collect()
}

/// The definition.
fn answer(x: &[f32]) -> i64 {
    let mut best: Option<usize> = None;
    for (i, v) in x.iter().enumerate() {
        if !v.is_nan() && best.is_none_or(|b| *v > x[b]) {
            best = Some(i);
        }
    }
    i64::try_from(best.unwrap_or(0)).expect("small")
}

#[test]
fn finds_the_first_largest() {
    support::each_machine(|machine| {
        for (v, x) in [
            (1, DType::F32),
            (7, DType::F16),
            (100, DType::BF16),
            (515, DType::F32),
            (4099, DType::F16),
        ] {
            let a = Argmax {
                ids: if v == 100 { DType::I64 } else { DType::I32 },
                ..argmax(60, v, x)
            };
            let compiled = compile(&Kernel::Argmax(a.clone()), machine);
            let mut random = Random::new(at(v) as u64);
            let mut rows = Vec::new();
            for r in 0..60 {
                let mut row: Vec<f32> = random
                    .units(at(v), 1.0)
                    .iter()
                    .map(|&n| round(x, n))
                    .collect();
                // Few distinct numbers, NaNs, infinities, and rows where almost nothing is larger than -inf.
                for value in &mut row {
                    let kind = random.below(20);
                    *value = match r % 6 {
                        0 => *value,
                        1 => (*value * 3.0).round(),
                        2 if kind < 5 => f32::NAN,
                        3 if kind == 0 => f32::INFINITY,
                        4 => {
                            if kind < 10 {
                                f32::NAN
                            } else {
                                f32::NEG_INFINITY
                            }
                        }
                        5 => f32::NAN,
                        _ => *value,
                    };
                }
                rows.push(row);
            }
            let want: Vec<i64> = rows.iter().map(|row| answer(row)).collect();
            assert_eq!(
                run(&a, &compiled, &rows.concat()),
                want,
                "{a:?} on {}",
                machine.cpu
            );
        }
    });
}

#[test]
fn every_place_can_win() {
    support::each_machine(|machine| {
        let v = 150;
        let a = Argmax {
            m: v,
            ..argmax(1, v, DType::F32)
        };
        let compiled = compile(&Kernel::Argmax(a.clone()), machine);
        let row = |i: i64| (0..v).map(move |j| if j == i { 1.0 } else { -2.0 });
        let x: Vec<f32> = (0..v).flat_map(row).collect();
        assert_eq!(run(&a, &compiled, &x), (0..v).collect::<Vec<i64>>());
    });
}

#[test]
fn long_rows_are_refused() {
    let error = Kernel::Argmax(argmax(1, 1 << 31, DType::F32))
        .emit(&common::avx2().target)
        .expect_err("refused");
    insta::assert_snapshot!(error.to_string(), @"argmax of rows of 2147483648 to i32: rows are shorter than 2^31, ids i32 or i64");
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Argmax(argmax(2, 20, DType::F32));
    assert_eq!(kernel.name(), "argmax_v20_xf32s20_i32");
    insta::assert_snapshot!(
        "argmax_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn inner_loops_do_not_spill() {
    support::no_spills_in_loops(&Kernel::Argmax(argmax(1, 49152, DType::F32)));
    support::no_spills_in_loops(&Kernel::Argmax(argmax(1, 49152, DType::F16)));
}
