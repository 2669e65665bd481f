//! Activations with a factor, types and strides against f64, and the same bits in any range.

mod common;
mod support;

use common::{Machine, compile};
use spec_kernels::{Activation, DType, Function, Kernel};
use support::{Random, at, close, decode, encode, round};

fn silu(rows: i64, n: i64, x: DType, up: Option<DType>, y: DType) -> Activation {
    Activation {
        function: Function::Silu,
        rows,
        n,
        x,
        x_stride: n + 2,
        up: up.map(|dtype| (dtype, n)),
        y,
        y_stride: n + 1,
    }
}

/// The result's rows, from x and up of given seeds.
fn run(a: &Activation, machine: &Machine, ranges: &[(i64, i64)]) -> (Vec<Vec<f32>>, Vec<Vec<f64>>) {
    let (rows, n) = (at(a.rows), at(a.n));
    let stretch = |stride: i64| (rows - 1) * at(stride) + n;
    let (up_type, up_stride) = a.up.unwrap_or((DType::F32, a.n));
    let x: Vec<f32> = Random::new(1)
        .units(stretch(a.x_stride), 6.0)
        .iter()
        .map(|&v| round(a.x, v))
        .collect();
    let up: Vec<f32> = Random::new(2)
        .units(stretch(up_stride), 3.0)
        .iter()
        .map(|&v| round(up_type, v))
        .collect();
    let mut args = vec![encode(a.x, &x)];
    args.extend(a.up.map(|(dtype, _)| encode(dtype, &up)));
    args.push(encode(a.y, &vec![f32::NAN; stretch(a.y_stride)]));
    compile(&Kernel::Activation(a.clone()), machine).run(&mut args, ranges);
    let y = decode(a.y, args.last().expect("y"));
    let got: Vec<Vec<f32>> = (0..rows)
        .map(|r| y[r * at(a.y_stride)..][..n].to_vec())
        .collect();
    let element = |r: usize, i: usize| {
        let x = f64::from(x[r * at(a.x_stride) + i]);
        let up = if a.up.is_some() {
            f64::from(up[r * at(up_stride) + i])
        } else {
            1.0
        };
        x / (1.0 + (-x).exp()) * up
    };
    for r in 1..rows {
        assert!(
            y[r * at(a.y_stride) - 1].is_nan(),
            "{a:?} writes between rows"
        );
    }
    (
        got,
        (0..rows)
            .map(|r| (0..n).map(|i| element(r, i)).collect())
            .collect(),
    )
}

#[test]
fn agrees_with_f64() {
    let (f32, f16, bf16) = (DType::F32, DType::F16, DType::BF16);
    support::each_machine(|machine| {
        for a in [
            silu(2, 600, f32, Some(f32), f32),
            silu(3, 256, f16, Some(bf16), f16),
            silu(1, 7, bf16, None, bf16),
            silu(2, 300, f32, Some(f16), bf16),
            silu(4, 1, f32, None, f32),
        ] {
            let units = Kernel::Activation(a.clone()).units();
            let (got, want) = run(&a, machine, &[(0, units)]);
            for (got, want) in got.iter().zip(&want) {
                close(
                    &format!("{a:?} on {}", machine.cpu),
                    a.y,
                    got,
                    want,
                    (6e-7, 0.0),
                );
            }
            let pieces: Vec<(i64, i64)> = (0..units).rev().map(|i| (i, i + 1)).collect();
            assert_eq!(run(&a, machine, &pieces).0, got, "ranges change bits");
        }
    });
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Activation(silu(2, 12, DType::F32, Some(DType::F16), DType::BF16));
    assert_eq!(
        kernel.name(),
        "activation_silu_n12_xf32s14_uf16s12_ybf16s13"
    );
    insta::assert_snapshot!(
        "activation_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn units_split_a_row() {
    let units = |n| Kernel::Activation(silu(3, n, DType::F32, None, DType::F32)).units();
    assert_eq!(
        [units(1), units(256), units(257), units(1536)],
        [3, 3, 6, 18]
    );
}
