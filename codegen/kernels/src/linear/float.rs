//! Products in f32.

use super::rows::{Block, Context, alloca, split};
use super::simd::{self, at, fma, slice, ty};
use super::turns::Cursor;
use crate::{DType, Format, Text, Value, schedule};

/// The values of a nibble, where one instruction looks 16 of them up.
pub(super) fn table(t: &mut Text, c: &Context) -> Option<Value> {
    schedule::looks_up(c.target, c.linear).then(|| {
        let values: Vec<_> = (-8..8).map(|v| format!("{v}.0")).collect();
        t.op(format_args!(
            "arith.constant dense<[{}]> : vector<16xf32>",
            values.join(", ")
        ))
    })
}

/// Writes x as f32 on the stack; returns the first one.
pub(super) fn widen(t: &mut Text, c: &Context) -> Value {
    let (m, k, lanes) = (c.linear.m, c.linear.k, c.target.lanes());
    let (dtype, size) = (c.linear.x, c.linear.x.bytes() as i64);
    let to = alloca(t, 4 * m * k);
    split(t, m, 1, &mut |t, token, _| {
        let source = simd::offset(t, &c.slots[0], token, c.linear.x_stride * size);
        let target = simd::offset(t, &to, token, 4 * k);
        split(t, k, lanes as i64, &mut |t, i, count| {
            let valid = (count as usize, lanes);
            let p = simd::offset(t, &source, i, size);
            let narrow = simd::load_first(t, &p, valid, dtype);
            let wide = simd::to_f32(t, &narrow, lanes, dtype);
            let p = simd::offset(t, &target, i, 4);
            simd::store_first(t, &wide, &p, valid, DType::F32);
        });
    });
    to
}

/// `inputs` numbers from `pointer` as vectors of f32, by loads of `wide`; the last ones may be partly zeros.
fn numbers(
    t: &mut Text,
    lanes: usize,
    pointer: &Value,
    inputs: usize,
    wide: usize,
    dtype: DType,
) -> Vec<Value> {
    let mut vectors = Vec::new();
    let mut start = 0;
    while start < inputs {
        let n = if inputs - start >= wide { wide } else { lanes };
        let p = at(t, pointer, start as i64 * dtype.bytes() as i64);
        let narrow = simd::load_first(t, &p, (n.min(inputs - start), n), dtype);
        let all = simd::to_f32(t, &narrow, n, dtype);
        vectors.extend((0..n / lanes).map(|i| slice(t, &all, n, (i * lanes, lanes), DType::F32)));
        start += n;
    }
    vectors
}

fn x(
    t: &mut Text,
    c: &Context,
    block: &Block,
    cursor: &Cursor,
    token: usize,
    inputs: usize,
) -> Vec<Value> {
    debug_assert!(token < block.tokens);
    let p = at(t, &cursor.x, token as i64 * c.x_row());
    numbers(t, c.target.lanes(), &p, inputs, c.schedule.loads.0, c.x())
}

/// Formats without groups: sum += w * x.
pub(super) fn plain(
    t: &mut Text,
    c: &Context,
    block: &Block,
    cursor: &Cursor,
    mut sums: Vec<Value>,
    inputs: usize,
) -> Vec<Value> {
    let lanes = c.target.lanes();
    let dtype = match c.linear.format {
        Format::Dense { dtype, .. } => dtype,
        _ => DType::I8,
    };
    let weights = |t: &mut Text, row: usize| {
        let p = block.row(t, &cursor.weight, row, c.row_bytes());
        numbers(t, lanes, &p, inputs, c.schedule.loads.1, dtype)
    };
    let mut step = |t: &mut Text, (r, m): (usize, usize), w: &[Value], x: &[Value]| {
        for (w, x) in w.iter().zip(x) {
            let sum = &mut sums[r * block.tokens + m];
            *sum = fma(t, w, x, sum, lanes);
        }
    };
    if block.rows <= block.tokens {
        let w: Vec<_> = (0..block.rows).map(|r| weights(t, r)).collect();
        for m in 0..block.tokens {
            let x = x(t, c, block, cursor, m, inputs);
            w.iter()
                .enumerate()
                .for_each(|(r, w)| step(t, (r, m), w, &x));
        }
    } else {
        let x: Vec<_> = (0..block.tokens)
            .map(|m| x(t, c, block, cursor, m, inputs))
            .collect();
        for r in 0..block.rows {
            let w = weights(t, r);
            x.iter()
                .enumerate()
                .for_each(|(m, x)| step(t, (r, m), &w, x));
        }
    }
    sums
}

/// Formats with groups, a group: sum += scale * (w0 * x0 + w1 * x1 + ...), or, with a table, sum += (scale * w0) * x0 + ...
pub(super) fn grouped(
    t: &mut Text,
    c: &Context,
    block: &Block,
    cursor: &Cursor,
    mut sums: Vec<Value>,
) -> Vec<Value> {
    let (lanes, group) = (c.target.lanes(), c.linear.format.group());
    let vector = ty(lanes, DType::F32);
    let Some(scales) = block.scale else {
        return sums;
    };
    let scales = simd::offset(t, scales, &cursor.step, 4);
    let mut step =
        |t: &mut Text, (r, m): (usize, usize), (w, s): &(Vec<Value>, Value), x: &[Value]| {
            let sum = &mut sums[r * block.tokens + m];
            if c.table.is_some() {
                for (w, x) in w.iter().zip(x) {
                    *sum = fma(t, w, x, sum, lanes);
                }
                return;
            }
            let mut group = t.op(format_args!("arith.mulf {}, {} : {vector}", w[0], x[0]));
            for (w, x) in w.iter().zip(x).skip(1) {
                group = fma(t, w, x, &group, lanes);
            }
            *sum = fma(t, &group, s, sum, lanes);
        };
    let weights = |t: &mut Text, row: usize| {
        let p = block.scale_row(t, c, &scales, row);
        let scale = simd::load_splat(t, &p, lanes);
        // Where a table holds the values, it is scaled, once for all tokens.
        let table = c
            .table
            .as_ref()
            .map(|table| t.op(format_args!("arith.mulf {table}, {scale} : {vector}")));
        let p = block.row(t, &cursor.weight, row, c.row_bytes());
        let w = match c.linear.format {
            Format::I4 { .. } => nibbles(t, c, &p, (group, table.as_ref())),
            _ => numbers(t, lanes, &p, group as usize, c.schedule.loads.1, DType::I8),
        };
        (w, scale)
    };
    if block.rows <= block.tokens {
        let w: Vec<_> = (0..block.rows).map(|r| weights(t, r)).collect();
        for m in 0..block.tokens {
            let x = x(t, c, block, cursor, m, group as usize);
            w.iter()
                .enumerate()
                .for_each(|(r, w)| step(t, (r, m), w, &x));
        }
    } else {
        let x: Vec<_> = (0..block.tokens)
            .map(|m| x(t, c, block, cursor, m, group as usize))
            .collect();
        for r in 0..block.rows {
            let w = weights(t, r);
            x.iter()
                .enumerate()
                .for_each(|(m, x)| step(t, (r, m), &w, x));
        }
    }
    sums
}

/// Packed weights as f32, in order.
fn nibbles(
    t: &mut Text,
    c: &Context,
    pointer: &Value,
    (group, table): (i64, Option<&Value>),
) -> Vec<Value> {
    (0..group / 32)
        .flat_map(|block| {
            let p = at(t, pointer, 16 * block);
            let packed = simd::load(t, &p, 16, DType::I8);
            match table {
                Some(table) => look_up(t, table, &packed),
                None => unpack(t, c.target.lanes(), &packed),
            }
        })
        .collect()
}

/// By a table of f32 whose index is the low four bits of a lane.
fn look_up(t: &mut Text, table: &Value, packed: &Value) -> Vec<Value> {
    let low = t.op(format_args!(
        "arith.extui {packed} : vector<16xi8> to vector<16xi32>"
    ));
    let four = t.op("arith.constant dense<4> : vector<16xi32>");
    let high = t.op(format_args!("arith.shrui {low}, {four} : vector<16xi32>"));
    [low, high]
        .iter()
        .map(|index| {
            t.op(format_args!(
                "llvm.call_intrinsic \"llvm.x86.avx512.permvar.sf.512\"({table}, {index}) : (vector<16xf32>, vector<16xi32>) -> vector<16xf32>"
            ))
        })
        .collect()
}

/// By masks and shifts of bytes.
fn unpack(t: &mut Text, lanes: usize, packed: &Value) -> Vec<Value> {
    let bytes = ty(16, DType::I8);
    let (four, fifteen, eight) = (
        t.op(format_args!("arith.constant dense<4> : {bytes}")),
        t.op(format_args!("arith.constant dense<15> : {bytes}")),
        t.op(format_args!("arith.constant dense<8> : {bytes}")),
    );
    let low = t.op(format_args!("arith.andi {packed}, {fifteen} : {bytes}"));
    let high = t.op(format_args!("arith.shrui {packed}, {four} : {bytes}"));
    let mut vectors = Vec::new();
    for half in [low, high] {
        let signed = t.op(format_args!("arith.subi {half}, {eight} : {bytes}"));
        for i in 0..16 / lanes {
            let part = slice(t, &signed, 16, (i * lanes, lanes), DType::I8);
            vectors.push(simd::to_f32(t, &part, lanes, DType::I8));
        }
    }
    vectors
}
