//! What becomes of a block's sums.

use super::rows::{Block, Context};
use super::simd::{self, at, offset, ty};
use crate::{DType, Format, Text, Value};

/// Sums the lanes, applies a scale of the row, adds the bias, rounds and stores.
pub(super) fn write_back(
    t: &mut Text,
    c: &Context,
    block: &Block,
    sums: &[Value],
    (n, token): (&Value, &Value),
) {
    let (linear, rows) = (c.linear, block.rows);
    let (bias_slot, y_slot) = linear.tail_slots();
    let vector = ty(rows, DType::F32);
    let scale = match linear.format {
        Format::I8 { group: 0, scale } => Some(per_row(t, c, block, n, (2, scale))),
        _ => None,
    };
    let bias = linear
        .bias
        .map(|dtype| per_row(t, c, block, n, (bias_slot, dtype)));
    let size = linear.y.bytes() as i64;
    let y = offset(t, &c.slots[y_slot], token, linear.y_stride * size);
    let y = offset(t, &y, n, size);
    for m in 0..block.tokens {
        let sum = if c.schedule.across {
            let each: Vec<_> = sums.iter().skip(m).step_by(block.tokens).cloned().collect();
            simd::join(t, &each, c.sums(block).1, rows)
        } else {
            let row: Vec<_> = (0..rows)
                .map(|r| sums[r * block.tokens + m].clone())
                .collect();
            simd::sums(t, &row, c.lanes())
        };
        let value = match (&scale, &bias) {
            (Some(s), Some(b)) => simd::fma(t, &sum, s, b, rows),
            (Some(s), None) => t.op(format_args!("arith.mulf {sum}, {s} : {vector}")),
            (None, Some(b)) => t.op(format_args!("arith.addf {sum}, {b} : {vector}")),
            (None, None) => sum,
        };
        let value = simd::from_f32(t, &value, rows, linear.y);
        let p = at(t, &y, m as i64 * linear.y_stride * size);
        store(t, c, block, &value, &p);
    }
}

/// One number of each of the tile's rows, as f32.
fn per_row(
    t: &mut Text,
    c: &Context,
    block: &Block,
    n: &Value,
    (slot, dtype): (usize, DType),
) -> Value {
    let size = dtype.bytes() as i64;
    let p = offset(t, &c.slots[slot], n, size);
    let narrow = if block.apart.is_none() {
        simd::load(t, &p, block.rows, dtype)
    } else {
        let one = |r| {
            let p = block.row(t, &p, r, size);
            simd::load_one(t, &p, dtype).to_string()
        };
        let each: Vec<_> = (0..block.rows).map(one).collect();
        let (each, vector) = (each.join(", "), ty(block.rows, dtype));
        t.op(format_args!("vector.from_elements {each} : {vector}"))
    };
    simd::to_f32(t, &narrow, block.rows, dtype)
}

/// Stores one number for each of the tile's rows.
fn store(t: &mut Text, c: &Context, block: &Block, value: &Value, pointer: &Value) {
    let dtype = c.linear.y;
    if block.apart.is_none() {
        return simd::store(t, value, pointer, block.rows, dtype);
    }
    let (name, vector) = (dtype.name(), ty(block.rows, dtype));
    for r in 0..block.rows {
        let one = t.op(format_args!(
            "vector.extract {value}[{r}] : {name} from {vector}"
        ));
        let p = block.row(t, pointer, r, dtype.bytes() as i64);
        simd::store_one(t, &one, &p, dtype);
    }
}
