//! Norms against f64, in place, and the same bits in any range.

mod common;
mod support;

use common::compile;
use spec_kernels::{DType, Kernel, Norm, NormKind};
use support::{Random, at, close, decode, encode, round};

const F32: DType = DType::F32;

fn norm(kind: NormKind, rows: i64, n: i64) -> Norm {
    let bias = (kind == NormKind::Layer).then_some(F32);
    Norm {
        kind,
        rows,
        n,
        x: F32,
        x_stride: n + 3,
        weight: F32,
        bias,
        y: F32,
        y_stride: n + 1,
        eps: 1e-5,
        weight_offset: 0.0,
    }
}

/// Rows of a matrix that are `stride` apart, NaN between them.
fn spaced(dtype: DType, rows: &[Vec<f32>], stride: i64) -> common::Arg {
    let n = rows[0].len();
    let mut all = vec![f32::NAN; (rows.len() - 1) * at(stride) + n];
    for (i, row) in rows.iter().enumerate() {
        all[i * at(stride)..][..n].copy_from_slice(row);
    }
    encode(dtype, &all)
}

fn answer(norm: &Norm, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let n = x.len() as f64;
    let mean = if norm.kind == NormKind::Layer {
        x.iter().sum::<f64>() / n
    } else {
        0.0
    };
    let size =
        (x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n + f64::from(norm.eps)).sqrt();
    let scale = |w: f32| f64::from(w) + f64::from(norm.weight_offset);
    x.iter()
        .zip(weight)
        .zip(bias)
        .map(|((x, &w), &b)| (x - mean) / size * scale(w) + f64::from(b))
        .collect()
}

#[test]
fn agrees_with_f64() {
    let (rms, layer) = (NormKind::Rms, NormKind::Layer);
    support::each_machine(|machine| {
        for norm in [
            norm(rms, 3, 576),
            Norm {
                x: DType::F16,
                weight: DType::BF16,
                y: DType::BF16,
                weight_offset: 1.0,
                ..norm(rms, 2, 77)
            },
            Norm {
                bias: Some(DType::F16),
                y: DType::F16,
                ..norm(rms, 2, 5)
            },
            norm(layer, 2, 1),
            norm(layer, 4, 131),
            Norm {
                x: DType::BF16,
                weight: DType::F16,
                ..norm(layer, 1, 64)
            },
        ] {
            let mut random = Random::new(3);
            let mut numbers = |dtype: DType, n: i64| -> Vec<f32> {
                random
                    .units(at(n), 2.0)
                    .iter()
                    .map(|&x| round(dtype, x + 0.3))
                    .collect()
            };
            let rows: Vec<Vec<f32>> = (0..norm.rows).map(|_| numbers(norm.x, norm.n)).collect();
            let weight = numbers(norm.weight, norm.n);
            let bias = norm.bias.map(|dtype| numbers(dtype, norm.n));
            let mut args = vec![
                spaced(norm.x, &rows, norm.x_stride),
                encode(norm.weight, &weight),
            ];
            args.extend(
                norm.bias
                    .zip(bias.as_ref())
                    .map(|(dtype, bias)| encode(dtype, bias)),
            );
            args.push(spaced(
                norm.y,
                &vec![vec![0.0; at(norm.n)]; at(norm.rows)],
                norm.y_stride,
            ));
            compile(&Kernel::Norm(norm.clone()), machine).run(&mut args, &[(0, 1), (1, norm.rows)]);
            let y = decode(norm.y, args.last().expect("y"));
            let bias = bias.unwrap_or_else(|| vec![0.0; at(norm.n)]);
            for (i, x) in rows.iter().enumerate() {
                let got = &y[i * at(norm.y_stride)..][..at(norm.n)];
                close(
                    &format!("{norm:?} row {i}"),
                    norm.y,
                    got,
                    &answer(&norm, x, &weight, &bias),
                    (1e-6, 1e-6),
                );
                assert!(
                    i == 0 || y[i * at(norm.y_stride) - 1].is_nan(),
                    "{norm:?} writes between rows"
                );
            }
        }
    });
}

#[test]
fn a_row_gets_the_same_bits_alone_and_among_others() {
    support::each_machine(|machine| {
        for kind in [NormKind::Rms, NormKind::Layer] {
            let rows: Vec<Vec<f32>> = (0..5)
                .map(|seed| Random::new(seed).units(83, 4.0))
                .collect();
            let weight = Random::new(9).units(83, 1.0);
            let run = |rows: &[Vec<f32>], ranges: &[(i64, i64)]| {
                let count = i64::try_from(rows.len()).expect("small");
                let norm = Norm {
                    bias: None,
                    x_stride: 83,
                    y_stride: 83,
                    ..norm(kind, count, 83)
                };
                let mut args = [
                    encode(F32, &rows.concat()),
                    encode(F32, &weight),
                    encode(F32, &vec![0.0; 83 * rows.len()]),
                ];
                compile(&Kernel::Norm(norm), machine).run(&mut args, ranges);
                args[2].to_f32()
            };
            let all = run(&rows, &[(0, 5)]);
            assert_eq!(run(&rows, &[(3, 5), (0, 3)]), all);
            assert_eq!(run(&rows[2..3], &[(0, 1)]), all[2 * 83..3 * 83]);
        }
    });
}

#[test]
fn text_of_a_small_instance() {
    let kernel = Kernel::Norm(norm(NormKind::Rms, 2, 20));
    assert_eq!(
        kernel.name(),
        "norm_rms_n20_xf32s23_wf32_bnone_yf32s21_e3727c5ac_o00000000"
    );
    insta::assert_snapshot!(
        "norm_avx2",
        kernel.emit(&common::avx2().target).expect("a kernel")
    );
}

#[test]
fn refuses_what_it_is_not_written_for() {
    let target = common::avx2().target;
    let base = norm(NormKind::Rms, 2, 20);
    let wrong = [
        Norm {
            n: -1,
            ..base.clone()
        },
        Norm {
            x: DType::I32,
            ..base.clone()
        },
        Norm {
            x_stride: 19,
            ..base.clone()
        },
        Norm {
            eps: f32::NAN,
            ..base
        },
    ];
    let errors: Vec<String> = wrong
        .map(|norm| {
            Kernel::Norm(norm)
                .emit(&target)
                .expect_err("refused")
                .to_string()
        })
        .to_vec();
    insta::assert_snapshot!(errors.join("\n"), @r"
    norm has sizes [2, -1]: each must be positive and the elements countable
    x is i32: kernels take f32, f16 or bf16
    x has rows of 20 elements 19 apart: they must not overlap
    norm: eps and weight_offset must be finite
    ");
}

#[test]
fn inner_loops_do_not_spill() {
    support::no_spills_in_loops(&Kernel::Norm(norm(NormKind::Layer, 2, 576)));
    support::no_spills_in_loops(&Kernel::Norm(Norm {
        x: DType::F16,
        y: DType::BF16,
        ..norm(NormKind::Rms, 2, 576)
    }));
}
