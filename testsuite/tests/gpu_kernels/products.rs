//! Groups of products: formats, stages, finishes.

use crate::check::{SOME_TOKENS, TOKENS, for_tokens, none};
use crate::linear::case;
use crate::run::{NARROW, WIDE};
use spec_kernels::gpu::{Device, Expr, Finish, Kernel, LinearGroup, Part, Place, Rows, Stage};
use spec_kernels::{Activations, DType, Format, Function, Layout, NormKind, Pairing};

const F32: Format = dense(DType::F32, Layout::OutIn);

const fn dense(dtype: DType, layout: Layout) -> Format {
    Format::Dense { dtype, layout }
}

const fn i8g(group: i64, scale: DType) -> Format {
    Format::I8 { group, scale }
}

const fn i4g(group: i64, scale: DType) -> Format {
    Format::I4 { group, scale }
}

/// `n` rows side by side, in rows of tokens.
fn rows(dtype: DType, n: i64) -> Place {
    Place {
        dtype,
        d: n,
        head: n,
        token: n + 3,
        at: None,
        capacity: 1,
    }
}

fn store(to: Place) -> Finish {
    Finish::Store { add: None, to }
}

fn part(n: i64, format: Format, aligned: bool) -> Part {
    Part {
        n,
        format,
        aligned,
        bias: None,
        round: DType::F32,
        finish: store(rows(DType::F32, n)),
    }
}

fn group(m: i64, k: i64, aligned: bool, parts: Vec<Part>) -> LinearGroup {
    let stride = if aligned { k + 16 } else { k + 3 };
    LinearGroup {
        m,
        k,
        x: Rows {
            dtype: DType::F32,
            stride,
            aligned,
        },
        stage: Stage::Plain,
        parts,
        activations: Activations::Float,
        scalars: vec![],
    }
}

/// Checks one part: odd sizes in odd places for all numbers of tokens, and even ones for some.
fn part_of(devices: [&Device; 2], k: i64, format: Format, activations: Activations) -> Vec<String> {
    let sizes = [
        (devices[0], 13, k, TOKENS),
        (devices[1], 48, 128, SOME_TOKENS),
    ];
    let each = sizes.into_iter().zip([false, true]);
    each.flat_map(|((device, n, k, tokens), aligned)| {
        let name = format!("{n} rows of {k}, {format:?}");
        for_tokens(&name, device, tokens, |m| {
            let group = group(m, k, aligned, vec![part(n, format, aligned)]);
            case(
                &LinearGroup {
                    activations,
                    ..group
                },
                aligned,
                None,
            )
        })
    })
    .collect()
}

#[test]
fn dense_weights() {
    let layouts = [Layout::OutIn, Layout::InOut];
    let types = [DType::F32, DType::F16, DType::BF16];
    let formats = layouts.iter().flat_map(|l| types.map(|t| dense(t, *l)));
    none(
        formats
            .flat_map(|f| part_of([&WIDE; 2], 37, f, Activations::Float))
            .collect(),
    );
}

#[test]
fn quantised_weights() {
    let formats = [
        i8g(0, DType::F16),
        i8g(0, DType::F32),
        i8g(32, DType::F16),
        i8g(64, DType::F32),
        i4g(32, DType::F16),
        i4g(64, DType::F32),
    ];
    let each = formats.into_iter();
    none(
        each.flat_map(|f| part_of([&WIDE; 2], 64, f, Activations::Float))
            .collect(),
    );
}

/// With dot products of four integers, and without.
#[test]
fn integer_activations() {
    let formats = [
        i8g(0, DType::F16),
        i8g(32, DType::F16),
        i8g(64, DType::F32),
        i4g(32, DType::F16),
        i4g(64, DType::F32),
    ];
    let plain = Device {
        dot4x8: false,
        ..WIDE
    };
    let each = formats.into_iter();
    none(
        each.flat_map(|f| part_of([&WIDE, &plain], 64, f, Activations::I8))
            .collect(),
    );
}

/// Everything that has 4 bytes where it is written, in words where it is read.
#[test]
fn devices_with_words_only() {
    let formats = [
        F32,
        dense(DType::F16, Layout::OutIn),
        dense(DType::BF16, Layout::InOut),
        i8g(32, DType::F16),
        i4g(32, DType::F16),
    ];
    let each = formats.into_iter().flat_map(|format| {
        [false, true].into_iter().flat_map(move |aligned| {
            let name = format!("{format:?}, aligned {aligned}");
            for_tokens(&name, &NARROW, &[3], |m| {
                case(
                    &group(m, 64, aligned, vec![part(13, format, aligned)]),
                    aligned,
                    None,
                )
            })
        })
    });
    none(each.collect());
    let finish = store(rows(DType::F16, 13));
    let halves = group(
        2,
        64,
        true,
        vec![Part {
            finish,
            ..part(13, F32, true)
        }],
    );
    let error = Kernel::Linear(halves)
        .emit(&NARROW)
        .expect_err("there is no way to write halves");
    assert_eq!(
        error.to_string(),
        "storing to as f16 needs 16-bit storage, which the device does not have"
    );
}

fn norm(kind: NormKind, weight_offset: f32, bias: Option<DType>, round: DType) -> Stage {
    Stage::Norm {
        kind,
        eps: 1e-5,
        weight_offset,
        weight: DType::F32,
        bias,
        round,
    }
}

#[test]
fn stages() {
    let stages = [
        (
            norm(NormKind::Rms, 0.0, None, DType::F32),
            F32,
            37,
            Activations::Float,
        ),
        (
            norm(NormKind::Rms, 1.0, None, DType::F16),
            i8g(32, DType::F16),
            64,
            Activations::Float,
        ),
        (
            norm(NormKind::Layer, 0.0, Some(DType::F32), DType::F32),
            i4g(32, DType::F16),
            96,
            Activations::Float,
        ),
        (
            norm(NormKind::Layer, 0.0, None, DType::BF16),
            dense(DType::BF16, Layout::InOut),
            36,
            Activations::Float,
        ),
        (
            norm(NormKind::Rms, 0.0, None, DType::F32),
            i8g(32, DType::F16),
            128,
            Activations::I8,
        ),
    ];
    let each = stages
        .into_iter()
        .flat_map(|(stage, format, k, activations)| {
            for_tokens(&format!("{stage:?}, {format:?}"), &WIDE, SOME_TOKENS, |m| {
                let group = group(m, k, false, vec![part(13, format, false)]);
                let group = LinearGroup {
                    stage,
                    activations,
                    ..group
                };
                case(&group, false, None)
            })
        });
    none(each.collect());
}

/// A residual, a bias, and what is stored as halves.
#[test]
fn stores() {
    let each = [
        (DType::F32, DType::F32),
        (DType::F16, DType::F16),
        (DType::F32, DType::BF16),
    ];
    let each = each.into_iter().flat_map(|(round, to)| {
        for_tokens(&format!("{round:?} as {to:?}"), &WIDE, SOME_TOKENS, |m| {
            let add = Rows {
                dtype: to,
                stride: 15,
                aligned: false,
            };
            let finish = Finish::Store {
                add: Some(add),
                to: rows(to, 13),
            };
            let bias = Some(DType::F32);
            let part = Part {
                finish,
                bias,
                round,
                ..part(13, F32, false)
            };
            let mut group = group(m, 40, false, vec![part]);
            group.x.dtype = to;
            case(&group, false, None)
        })
    });
    none(each.collect());
}

#[test]
fn activations() {
    let functions = [
        Function::Silu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Relu,
        Function::Relu2,
        Function::Sigmoid,
        Function::Tanh,
    ];
    let each = functions.into_iter().enumerate().flat_map(|(i, function)| {
        let gated = i % 2 == 0;
        for_tokens(&format!("{function:?}"), &WIDE, SOME_TOKENS, |m| {
            let to = rows(DType::F32, 20);
            let finish = Finish::Activate {
                function,
                gated,
                to,
            };
            let mut parts = vec![Part {
                finish,
                ..part(20, F32, true)
            }];
            if gated {
                parts.push(Part {
                    finish: Finish::Up,
                    ..part(20, F32, true)
                });
            }
            case(&group(m, 32, true, parts), true, None)
        })
    });
    none(each.collect());
}

/// Heads of 10 in a cache of 12 tokens, token by token and head by head: queries and keys are rotated, values are not.
fn heads(m: i64, pairing: Pairing, format: Format) -> LinearGroup {
    let at = Some(Expr::Load {
        scalar: 0,
        index: 0,
    });
    let queries = Place {
        dtype: DType::F32,
        d: 10,
        head: 10,
        token: 40,
        at: None,
        capacity: m,
    };
    let cache = Place {
        dtype: DType::F16,
        d: 10,
        head: 120,
        token: 10,
        at,
        capacity: 12,
    };
    let turn = |to| Finish::Rope {
        pairing,
        cos: DType::F32,
        sin: DType::F16,
        to,
    };
    let parts = vec![
        Part {
            finish: turn(queries),
            ..part(40, format, true)
        },
        Part {
            finish: turn(cache.clone()),
            bias: Some(DType::F32),
            ..part(20, format, true)
        },
        Part {
            finish: store(cache),
            ..part(20, format, true)
        },
    ];
    LinearGroup {
        stage: norm(NormKind::Rms, 0.0, None, DType::F32),
        scalars: vec![DType::I64],
        ..group(m, 64, true, parts)
    }
}

#[test]
fn rotations_into_caches() {
    let kinds = [
        (Pairing::Half, F32, 0),
        (Pairing::Interleaved, i8g(32, DType::F16), 3),
    ];
    let each = kinds.into_iter().flat_map(|(pairing, format, position)| {
        for_tokens(&format!("{pairing:?}"), &WIDE, TOKENS, |m| {
            case(&heads(m, pairing, format), true, Some(position))
        })
    });
    none(each.collect());
}

/// A position that the cache does not have room for is taken to the last that it has.
#[test]
fn positions_out_of_range() {
    for (position, row) in [(11, 9), (100, 9), (-4, 0), (i64::MAX, 9), (i64::MIN, 0)] {
        let group = heads(3, Pairing::Half, F32);
        let mut case = case(&group, true, Some(row));
        let scalar = case.operands.last_mut().expect("the position");
        scalar.bytes = position.to_le_bytes().to_vec();
        case.check(&WIDE)
            .unwrap_or_else(|e| panic!("{position}: {e}"));
    }
}
