//! Rotation of rows against f64, for both pairings, both orders of dimensions, strided views, and in place.

mod common;
mod support;

use common::compile;
use spec_kernels::{DType, Kernel, Pairing, Rope, Strides};
use support::{Random, at, close, decode, encode, round};

const F32: DType = DType::F32;

fn rope(a: i64, b: i64, d: i64, token_dim: u32, pairing: Pairing) -> Rope {
    let x_strides = Strides { a: b * d + 5, b: d };
    let y_strides = Strides {
        a: d + 1,
        b: a * (d + 1),
    };
    Rope {
        a,
        b,
        d,
        token_dim,
        pairing,
        x: F32,
        x_strides,
        cos: F32,
        sin: F32,
        y: F32,
        y_strides,
    }
}

/// Runs and compares; the result's bytes.
fn check(r: &Rope, machine: &common::Machine, ranges: &[(i64, i64)]) -> Vec<u8> {
    let (d, half) = (at(r.d), at(r.d) / 2);
    let extent = |s: Strides| at((r.a - 1) * s.a + (r.b - 1) * s.b + r.d);
    let tokens = at(if r.token_dim == 0 { r.a } else { r.b });
    let numbers = |seed, dtype, n| -> Vec<f32> {
        Random::new(seed)
            .units(n, 1.0)
            .iter()
            .map(|&x| round(dtype, x))
            .collect()
    };
    let (x, c, s) = (
        numbers(1, r.x, extent(r.x_strides)),
        numbers(2, r.cos, tokens * half),
        numbers(3, r.sin, tokens * half),
    );
    let mut args = [
        encode(r.x, &x),
        encode(r.cos, &c),
        encode(r.sin, &s),
        encode(r.y, &vec![f32::NAN; extent(r.y_strides)]),
    ];
    compile(&Kernel::Rope(r.clone()), machine).run(&mut args, ranges);
    let y = decode(r.y, &args[3]);
    for a in 0..r.a {
        for b in 0..r.b {
            let row = &x[at(a * r.x_strides.a + b * r.x_strides.b)..][..d];
            let t = at(if r.token_dim == 0 { a } else { b });
            let mut want = vec![0.0; d];
            for i in 0..half {
                let (j, k) = if r.pairing == Pairing::Half {
                    (i, i + half)
                } else {
                    (2 * i, 2 * i + 1)
                };
                let [p, q, c, s] =
                    [row[j], row[k], c[t * half + i], s[t * half + i]].map(f64::from);
                (want[j], want[k]) = (p * c - q * s, q * c + p * s);
            }
            let got = &y[at(a * r.y_strides.a + b * r.y_strides.b)..][..d];
            close(
                &format!("{r:?} on {}, row {a} {b}", machine.cpu),
                r.y,
                got,
                &want,
                (1e-7, 2e-7),
            );
        }
    }
    args[3].bytes().to_vec()
}

#[test]
fn agrees_with_f64() {
    let (half, interleaved) = (Pairing::Half, Pairing::Interleaved);
    support::each_machine(|machine| {
        for r in [
            rope(9, 3, 64, 1, half),
            rope(2, 3, 20, 0, half),
            rope(1, 4, 2, 1, half),
            rope(3, 2, 80, 1, interleaved),
            rope(2, 5, 22, 0, interleaved),
            rope(4, 1, 2, 0, interleaved),
            Rope {
                x: DType::F16,
                cos: DType::BF16,
                y: DType::F16,
                ..rope(2, 2, 50, 1, half)
            },
            Rope {
                x: DType::BF16,
                sin: DType::F16,
                y: DType::BF16,
                ..rope(2, 2, 50, 1, interleaved)
            },
        ] {
            let units = r.a * r.b;
            let whole = check(&r, machine, &[(0, units)]);
            let split: Vec<(i64, i64)> = (0..units).rev().map(|i| (i, i + 1)).collect();
            assert_eq!(check(&r, machine, &split), whole, "ranges change bits");
        }
    });
}

#[test]
fn odd_rows_are_refused() {
    let error = Kernel::Rope(rope(1, 1, 7, 0, Pairing::Half))
        .emit(&common::avx2().target)
        .expect_err("refused");
    insta::assert_snapshot!(error.to_string(), @"rope: rows of 7 elements and token_dim 0: D must be even, token_dim 0 or 1");
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Rope(rope(2, 1, 16, 1, Pairing::Interleaved));
    assert_eq!(
        kernel.name(),
        "rope_interleaved_b1_d16_t1_xf32s21s16_cf32_sf32_yf32s17s34"
    );
    insta::assert_snapshot!(
        "rope_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn inner_loops_do_not_spill() {
    support::no_spills_in_loops(&Kernel::Rope(rope(9, 1, 256, 1, Pairing::Half)));
    support::no_spills_in_loops(&Kernel::Rope(rope(9, 1, 256, 1, Pairing::Interleaved)));
}
