//! Kernels that look something up: the largest of a row, rows of a table, conditions.

use crate::check::{Case, Near, TOKENS, for_tokens, none};
use crate::rows::{input, rows};
use crate::run::{NARROW, Operand, WIDE, noise, run};
use spec_kernels::gpu::{Check, Cond, Expr, Kernel, TopK};
use spec_kernels::{Argmax, DType, Embedding, Table};

/// Rows with ties, NaN and infinities.
fn scores(m: i64, v: i64, dtype: DType) -> Operand {
    Operand::new(dtype, m * v, |i| match (i as i64 / v, i as i64 % v) {
        (1, _) | (4, 7) => f64::NAN,
        (2, _) => 1.5,
        (3, _) => f64::NEG_INFINITY,
        (0, 90 | 33) => 5.0,
        (4, 50) => f64::INFINITY,
        _ => noise(5, i),
    })
}

/// Indices of the largest elements of a row, the earlier of equals first.
fn largest(row: &[f64], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..row.len()).filter(|i| !row[*i].is_nan()).collect();
    order.sort_by(|a, b| row[*b].total_cmp(&row[*a]).then(a.cmp(b)));
    order.truncate(k);
    order
}

#[test]
fn argmaxes() {
    let each = [(DType::F32, DType::I32), (DType::F16, DType::I64)]
        .into_iter()
        .flat_map(|(x, ids)| {
            for_tokens("argmax", &WIDE, TOKENS, |m| {
                let v = 101;
                let kernel = Argmax {
                    m,
                    v,
                    x,
                    x_stride: v,
                    ids,
                };
                let x = scores(m, v, x);
                let best = x
                    .values
                    .chunks(v as usize)
                    .map(|row| largest(row, 1).first().copied().unwrap_or(0));
                let expected = best.map(|i| Some(Near::exact(i as f64))).collect();
                let operands = vec![x, Operand::nothing(ids, m)];
                Case {
                    kernel: Kernel::Argmax(kernel),
                    operands,
                    expected: vec![(1, expected)],
                    aligned: false,
                }
            })
        });
    none(each.collect());
}

#[test]
fn several_largest() {
    let each = [5, 64].into_iter().flat_map(|k| {
        for_tokens(&format!("top {k}"), &WIDE, TOKENS, |m| {
            let v = 101;
            let kernel = TopK {
                m,
                v,
                k,
                x: DType::F32,
                x_stride: v,
                ids: DType::I64,
                values: DType::F32,
            };
            let x = scores(m, v, DType::F32);
            let (mut ids, mut values) = (vec![], vec![]);
            for row in x.values.chunks(v as usize) {
                let best = largest(row, k as usize);
                for i in 0..k as usize {
                    let at = best.get(i);
                    ids.push(Some(Near::exact(at.map_or(0.0, |i| *i as f64))));
                    values.push(Some(Near::exact(at.map_or(f64::NEG_INFINITY, |i| row[*i]))));
                }
            }
            let operands = vec![
                x,
                Operand::nothing(DType::I64, m * k),
                Operand::nothing(DType::F32, m * k),
            ];
            Case {
                kernel: Kernel::TopK(kernel),
                operands,
                expected: vec![(1, ids), (2, values)],
                aligned: true,
            }
        })
    });
    none(each.collect());
}

/// A table of 11 rows, of packed integers if it is not dense: its operands, and its values.
fn table(table: Table, n: i64) -> (Vec<Operand>, Vec<f64>) {
    let (bits, group, scale) = match table {
        Table::Dense(dtype) => {
            let operand = input(6, dtype, 11 * n);
            let values = operand.values.clone();
            return (vec![operand], values);
        }
        Table::I8 { group, scale } => (8, group, scale),
        Table::I4 { group, scale } => (4, group, scale),
    };
    let group = if group == 0 { n } else { group };
    let bytes: Vec<u8> = (0..(11 * n * bits / 8) as usize)
        .map(|i| (127.0 * (1.0 + noise(7, i))) as u8)
        .collect();
    let scales = Operand::new(scale, 11 * n / group, |i| 0.02 + 0.01 * noise(8, i));
    let integer = |i: usize| match bits {
        8 => f64::from(bytes[i] as i8),
        _ => {
            let byte = bytes[i / 32 * 16 + i % 16];
            f64::from(if i % 32 < 16 { byte & 15 } else { byte >> 4 }) - 8.0
        }
    };
    let values = (0..(11 * n) as usize)
        .map(|i| integer(i) * scales.values[i / group as usize])
        .collect();
    (vec![Operand::packed(bytes), scales], values)
}

/// Rows of a table; -1, 11 and 2^40 are not in it.
fn embedding(m: i64, of: Table, ids: &[i64]) -> Case {
    let (n, y_stride) = (64, 67);
    let wanted = Operand {
        values: vec![],
        dtype: DType::I64,
        bytes: ids[..m as usize]
            .iter()
            .flat_map(|i| i.to_le_bytes())
            .collect(),
    };
    let kernel = Embedding {
        m,
        v: 11,
        n,
        ids: DType::I64,
        table: of,
        y: DType::F32,
        y_stride,
    };
    let (stored, values) = table(of, n);
    let known = |id: i64| (0..11).contains(&id);
    let (to, expected) = rows(m, n, y_stride, DType::F32, |r, i| {
        let row = if known(ids[r]) { ids[r] } else { 0 };
        Near::exact(values[row as usize * n as usize + i])
    });
    let status = if ids[..m as usize].iter().all(|i| known(*i)) {
        0.0
    } else {
        1.0
    };
    let mut operands = vec![wanted];
    operands.extend(stored);
    operands.push(to);
    operands.push(Operand::new(DType::I32, 1, |_| 0.0));
    let last = operands.len() - 1;
    let expected = vec![
        (last - 1, expected),
        (last, vec![Some(Near::exact(status))]),
    ];
    Case {
        kernel: Kernel::Embedding(kernel),
        operands,
        expected,
        aligned: true,
    }
}

#[test]
fn embeddings() {
    let tables = [
        Table::Dense(DType::F32),
        Table::Dense(DType::BF16),
        Table::I8 {
            group: 0,
            scale: DType::F16,
        },
        Table::I8 {
            group: 32,
            scale: DType::F32,
        },
        Table::I4 {
            group: 32,
            scale: DType::F16,
        },
    ];
    let good = [3, 10, 0, 3, 7, 1, 2, 9, 5];
    let each = tables
        .into_iter()
        .flat_map(|t| for_tokens(&format!("{t:?}"), &WIDE, TOKENS, |m| embedding(m, t, &good)));
    none(each.collect());
    for bad in [-1, 11, 1 << 40, -(1 << 40), i64::MIN] {
        for device in [&WIDE, &NARROW] {
            let case = embedding(4, Table::Dense(DType::F16), &[3, bad, 10, 2]);
            case.check(device).unwrap_or_else(|e| panic!("{bad}: {e}"));
        }
    }
}

/// The status is 2 if a condition does not hold, and is left alone otherwise.
#[test]
fn checks() {
    let load = |index| Expr::Load { scalar: 0, index };
    let at_most = |left, most| Cond::Compare {
        predicate: "sle",
        left,
        right: Expr::Constant(most),
    };
    let sum = Expr::Add(Box::new(load(0)), Box::new(load(1)));
    let kernel = Kernel::Check(Check {
        conditions: vec![
            at_most(sum, 7),
            Cond::And(Box::new(at_most(load(0), 6)), Box::new(at_most(load(1), 6))),
        ],
        scalars: vec![DType::I64],
    });
    let cases = [
        ([3, 4], 0),
        ([3, 5], 2),
        ([-9, 7], 2),
        ([0, 0], 0),
        ([1 << 40, 0], 2),
        ([i64::MAX, i64::MAX], 2),
        ([i64::MIN, 6], 0),
    ];
    for (scalars, status) in cases {
        for before in [0, 1] {
            let bytes = scalars.iter().flat_map(|s: &i64| s.to_le_bytes()).collect();
            let operands = [
                Operand::new(DType::I32, 1, |_| f64::from(before)),
                Operand {
                    dtype: DType::I64,
                    bytes,
                    values: vec![],
                },
            ];
            for device in [&WIDE, &NARROW] {
                let found = run(&kernel, device, &operands, true)
                    .expect("runs")
                    .swap_remove(0);
                let expected: i32 = if status == 0 { before } else { status };
                assert_eq!(
                    found,
                    expected.to_le_bytes(),
                    "{scalars:?} after status {before}"
                );
            }
        }
    }
}
