//! Kernels of rows and of heads: norms, softmax, activations, rotations.

use crate::check::{Case, Near, TOKENS, for_tokens, none};
use crate::linear::activate;
use crate::run::{NARROW, Operand, WIDE, noise};
use spec_kernels::gpu::{Expr, HeadNorm, HeadRope, Heads, Kernel, Place};
use spec_kernels::{
    Activation, DType, Function, HeadRows, Norm, NormKind, Pairing, Rope, Softmax, Strides,
};

/// Rows of `n` in rows of `stride`; the rest stays.
pub fn rows(
    rows: i64,
    n: i64,
    stride: i64,
    dtype: DType,
    value: impl Fn(usize, usize) -> Near,
) -> (Operand, Vec<Option<Near>>) {
    let elements = (rows - 1) * stride + n;
    let one = |i: i64| {
        (i % stride < n).then(|| value((i / stride) as usize, (i % stride) as usize).rounded(dtype))
    };
    (
        Operand::nothing(dtype, elements),
        (0..elements).map(one).collect(),
    )
}

pub fn input(seed: usize, dtype: DType, n: i64) -> Operand {
    Operand::new(dtype, n, |i| 3.0 * noise(seed, i))
}

fn normed(x: &[f64], kind: NormKind, eps: f32) -> impl Fn(usize) -> f64 {
    let count = x.len() as f64;
    let mean = if kind == NormKind::Layer {
        x.iter().sum::<f64>() / count
    } else {
        0.0
    };
    let squares = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    move |i| (x[i] - mean) / (squares + f64::from(eps)).sqrt()
}

fn norm(m: i64, kind: NormKind, bias: bool, x: DType, y: DType) -> Case {
    let (n, x_stride, y_stride) = (77, 80, 79);
    let weight_offset = if bias { 0.0 } else { 1.0 };
    let bias = bias.then_some(DType::F32);
    let kernel = Norm {
        kind,
        rows: m,
        n,
        x,
        x_stride,
        weight: DType::F16,
        bias,
        y,
        y_stride,
        eps: 1e-5,
        weight_offset,
    };
    let x = input(1, x, (m - 1) * x_stride + n);
    let (weight, biases) = (input(2, DType::F16, n), input(3, DType::F32, n));
    let (to, expected) = rows(m, n, y_stride, y, |r, i| {
        let row = &x.values[r * x_stride as usize..][..n as usize];
        let value = normed(row, kind, 1e-5)(i) * (weight.values[i] + f64::from(weight_offset));
        let value = value + bias.map_or(0.0, |_| biases.values[i]);
        Near::new(value, 5e-6 * (1.0 + value.abs()))
    });
    let mut operands = vec![x, weight];
    operands.extend(bias.map(|_| biases));
    operands.push(to);
    let expected = vec![(operands.len() - 1, expected)];
    Case {
        kernel: Kernel::Norm(kernel),
        operands,
        expected,
        aligned: false,
    }
}

#[test]
fn norms() {
    let kinds = [
        (NormKind::Rms, false, DType::F32, DType::F32),
        (NormKind::Rms, true, DType::F16, DType::BF16),
        (NormKind::Layer, true, DType::F32, DType::F16),
        (NormKind::Layer, false, DType::BF16, DType::F32),
    ];
    let each = kinds.into_iter().flat_map(|(kind, bias, x, y)| {
        for_tokens(&format!("{kind:?}"), &WIDE, TOKENS, |m| {
            norm(m, kind, bias, x, y)
        })
    });
    none(each.collect());
    none(for_tokens("words only", &NARROW, &[3], |m| {
        norm(m, NormKind::Rms, true, DType::F16, DType::F32)
    }));
}

fn softmax(m: i64, x: DType, y: DType) -> Case {
    let (n, x_stride, y_stride) = (67, 67, 70);
    let kernel = Softmax {
        rows: m,
        n,
        x,
        x_stride,
        y,
        y_stride,
    };
    let row = n as usize;
    // the second row has nothing to choose from, the third a NaN, the fourth some that are out of the question
    let x = Operand::new(x, m * n, |i| match (i / row, i % row) {
        (1, _) => f64::NEG_INFINITY,
        (2, 40) => f64::NAN,
        (3, c) if c % 5 > 0 => f64::NEG_INFINITY,
        _ => 9.0 * noise(4, i),
    });
    let (to, expected) = rows(m, n, y_stride, y, |r, i| {
        let x = &x.values[r * row..][..row];
        let largest = x.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let sum: f64 = x.iter().map(|x| (x - largest).exp()).sum();
        Near::new((x[i] - largest).exp() / sum, 2e-6)
    });
    Case {
        kernel: Kernel::Softmax(kernel),
        operands: vec![x, to],
        expected: vec![(1, expected)],
        aligned: true,
    }
}

#[test]
fn softmaxes() {
    let each = [(DType::F32, DType::F32), (DType::F16, DType::BF16)];
    let each = each
        .into_iter()
        .flat_map(|(x, y)| for_tokens("softmax", &WIDE, TOKENS, |m| softmax(m, x, y)));
    none(each.collect());
}

#[test]
fn activations() {
    let functions = [
        Function::Identity,
        Function::Exp,
        Function::Silu,
        Function::GeluTanh,
        Function::Gelu,
        Function::Relu,
        Function::Relu2,
        Function::Sigmoid,
        Function::Tanh,
    ];
    let each = functions.into_iter().enumerate().flat_map(|(f, function)| {
        for_tokens(&format!("{function:?}"), &WIDE, &[3, 1], |m| {
            let (n, stride) = (70, 71);
            let up = (f % 2 == 0).then_some((DType::F32, stride));
            let kernel = Activation {
                function,
                rows: m,
                n,
                x: DType::F16,
                x_stride: stride,
                up,
                y: DType::F32,
                y_stride: stride,
            };
            let (x, factor) = (
                input(9, DType::F16, (m - 1) * stride + n),
                input(10, DType::F32, (m - 1) * stride + n),
            );
            let (to, expected) = rows(m, n, stride, DType::F32, |r, i| {
                let at = r * stride as usize + i;
                let y = activate(function, Near::exact(x.values[at]));
                if up.is_some() {
                    y.times(Near::exact(factor.values[at]))
                } else {
                    y
                }
            });
            let mut operands = vec![x];
            operands.extend(up.map(|_| factor));
            operands.push(to);
            let expected = vec![(operands.len() - 1, expected)];
            Case {
                kernel: Kernel::Activation(kernel),
                operands,
                expected,
                aligned: false,
            }
        })
    });
    none(each.collect());
}

/// Element `i` of a rotated head.
fn rotated(x: &[f64], (cos, sin): (&[f64], &[f64]), pairing: Pairing, i: usize) -> Near {
    let half = x.len() / 2;
    let (pair, other, first) = match pairing {
        Pairing::Half => (i % half, (i + half) % x.len(), i < half),
        Pairing::Interleaved => (i / 2, i ^ 1, i.is_multiple_of(2)),
    };
    let sine = if first { -sin[pair] } else { sin[pair] };
    let turned = x[i] * cos[pair] + x[other] * sine;
    Near::new(turned, 2e-6 * (x[i].abs() + x[other].abs()))
}

#[test]
fn rotations() {
    let each = [Pairing::Half, Pairing::Interleaved]
        .into_iter()
        .flat_map(|pairing| {
            for_tokens(&format!("{pairing:?}"), &WIDE, TOKENS, |m| {
                let (heads, d) = (3, 14);
                let strides = Strides { a: heads * d, b: d };
                let float = DType::F32;
                let kernel = Rope {
                    a: m,
                    b: heads,
                    d,
                    token_dim: 0,
                    pairing,
                    x: float,
                    x_strides: strides,
                    cos: float,
                    sin: DType::F16,
                    y: float,
                    y_strides: strides,
                };
                let (x, cos, sin) = (
                    input(1, float, m * heads * d),
                    input(2, float, m * d / 2),
                    input(3, DType::F16, m * d / 2),
                );
                let (to, expected) = rows(m, heads * d, heads * d, float, |t, i| {
                    let (d, half) = (d as usize, d as usize / 2);
                    let head = &x.values[(t * heads as usize + i / d) * d..][..d];
                    rotated(
                        head,
                        (&cos.values[t * half..], &sin.values[t * half..]),
                        pairing,
                        i % d,
                    )
                });
                Case {
                    kernel: Kernel::Rope(kernel),
                    operands: vec![x, cos, sin, to],
                    expected: vec![(3, expected)],
                    aligned: false,
                }
            })
        });
    none(each.collect());
}

/// Heads of tokens to a cache of halves, by head, at `position`: normalised and rotated, as asked.
fn heads(m: i64, with_norm: bool, rope: Option<Pairing>, position: i64) -> Case {
    let (count, d, capacity) = (3, 14, 12);
    let norm = with_norm.then_some(HeadNorm {
        eps: 1e-6,
        weight_offset: 1.0,
        weight: DType::F32,
    });
    let angles = rope.map(|pairing| HeadRope {
        pairing,
        cos: DType::F32,
        sin: DType::F32,
    });
    let at = Some(Expr::Load {
        scalar: 0,
        index: 0,
    });
    let kernel = Heads {
        heads: count,
        m,
        d,
        x: HeadRows {
            dtype: DType::F32,
            head: d,
            token: count * d,
        },
        norm,
        rope: angles,
        y: Place {
            dtype: DType::F16,
            d,
            head: capacity * d,
            token: d,
            at,
            capacity,
        },
        scalars: vec![DType::I32],
    };
    let x = input(1, DType::F32, m * count * d);
    let (weight, cos, sin) = (
        input(2, DType::F32, d),
        input(3, DType::F32, m * d / 2),
        input(4, DType::F32, m * d / 2),
    );
    let elements = count * capacity * d;
    let mut expected = vec![None; elements as usize];
    let (width, half) = (d as usize, d as usize / 2);
    for (t, h) in (0..m).flat_map(|t| (0..count).map(move |h| (t, h))) {
        let head = &x.values[((t * count + h) * d) as usize..][..width];
        let scaled = normed(head, NormKind::Rms, 1e-6);
        let each = |i: usize| {
            if with_norm {
                scaled(i) * (weight.values[i] + 1.0)
            } else {
                head[i]
            }
        };
        let head: Vec<f64> = (0..width).map(each).collect();
        for i in 0..width {
            let angles = (
                &cos.values[t as usize * half..],
                &sin.values[t as usize * half..],
            );
            let y = rope.map_or(Near::exact(head[i]), |p| rotated(&head, angles, p, i));
            let place = position.clamp(0, capacity - m) + t;
            let at = ((h * capacity + place) * d) as usize + i;
            expected[at] = Some(Near::new(y.value, y.error + 2e-5).rounded(DType::F16));
        }
    }
    let mut operands = vec![x];
    operands.extend(norm.map(|_| weight));
    operands.extend(angles.iter().flat_map(|_| [cos.clone(), sin.clone()]));
    operands.push(Operand::nothing(DType::F16, elements));
    let expected = vec![(operands.len() - 1, expected)];
    operands.push(Operand::new(DType::I32, 1, |_| position as f64));
    Case {
        kernel: Kernel::Heads(kernel),
        operands,
        expected,
        aligned: false,
    }
}

#[test]
fn heads_into_caches() {
    let kinds = [
        (false, None),
        (true, None),
        (false, Some(Pairing::Half)),
        (true, Some(Pairing::Half)),
        (true, Some(Pairing::Interleaved)),
    ];
    let each = kinds.into_iter().flat_map(|(norm, rope)| {
        for_tokens(&format!("norm {norm}, {rope:?}"), &WIDE, TOKENS, |m| {
            heads(m, norm, rope, 3)
        })
    });
    none(each.collect());
    for position in [-5, 11, 1_000_000_000] {
        let result = heads(3, true, Some(Pairing::Half), position).check(&WIDE);
        result.unwrap_or_else(|e| panic!("{position}: {e}"));
    }
}
