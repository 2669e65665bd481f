//! Products of 8-bit integers, four of a word at once, summed in i32 over blocks of 32.

use super::float::{nibbles, signed_bytes, words};
use super::quantise::Quantised;
use super::rows::LaneRows;
use crate::gpu::Writer;
use crate::{Format, Value};

/// `sums` plus the products of block `step`, of which `count` elements exist.
pub(super) fn step(
    w: &mut Writer,
    q: &Quantised,
    rows: &LaneRows,
    (step, count): (&Value, i64),
    sums: &[Value],
) -> Vec<Value> {
    let tokens = q.tokens as usize;
    let at = rows.at(w, step);
    let zero = w.int(0);
    let mut totals: Vec<Value> = match &q.starts {
        None => vec![zero; sums.len()],
        Some(_) => {
            let starts: Vec<Value> = (0..q.tokens).map(|t| q.start(w, t, step)).collect();
            (0..sums.len())
                .map(|i| starts[i % tokens].clone())
                .collect()
        }
    };
    let all: Vec<usize> = (0..rows.rows.len()).collect();
    if tokens == 1 {
        // All inputs wait in registers, and one row's weights.
        let xs = [0, 1].map(|half| q.words(w, 0, step, half));
        for &r in &all {
            for (half, x) in xs.iter().enumerate() {
                let weights = weights(w, rows, r, &at, (half as i64, count));
                totals[r] = q.dots(w, &totals[r], &weights, x);
            }
        }
    } else {
        for half in 0..2 {
            let weights: Vec<_> = all
                .iter()
                .map(|&r| weights(w, rows, r, &at, (half, count)))
                .collect();
            for t in 0..tokens {
                let x = q.words(w, t as i64, step, half);
                for (r, weights) in weights.iter().enumerate() {
                    let total = &mut totals[r * tokens + t];
                    *total = q.dots(w, total, weights, &x);
                }
            }
        }
    }
    let scales = rows.scales(w, step);
    let xs: Vec<Value> = (0..q.tokens).map(|t| q.scale(w, t, step)).collect();
    let mut next = Vec::new();
    for r in all {
        let scale = scales.as_ref().map(|at| rows.scale(w, at, r));
        for (t, x) in xs.iter().enumerate() {
            let total = w.to_float(&totals[r * tokens + t]);
            let scale = match &scale {
                None => x.clone(),
                Some(scale) => w.floats("mulf", scale, x),
            };
            next.push(w.fma(&total, &scale, &sums[r * tokens + t]));
        }
    }
    next
}

/// 16 weights of row `r` (of `count` in the block), four a word; those of 4 bits are 8 too large.
fn weights(
    w: &mut Writer,
    rows: &LaneRows,
    r: usize,
    at: &[Value],
    (half, count): (i64, i64),
) -> Vec<Value> {
    let row = &rows.rows[r];
    let buffer = rows.bases[row.base].0;
    let packed = matches!(rows.format, Format::I4 { .. });
    let n = if packed {
        16
    } else {
        (count - 16 * half).clamp(0, 16)
    };
    let plus = if packed {
        0
    } else {
        16 * half / rows.per_access
    };
    let at = w.add_const(&at[row.base], row.weight + plus);
    let words = if rows.wide {
        w.words(buffer, &at)
    } else {
        words(w, buffer, &at, n)
    };
    if packed {
        return words
            .iter()
            .map(|word| nibbles(w, word, half == 1))
            .collect();
    }
    words
}

impl Quantised {
    /// `sum` plus the products of words.
    fn dots(&self, w: &mut Writer, sum: &Value, a: &[Value], b: &[Value]) -> Value {
        a.iter()
            .zip(b)
            .fold(sum.clone(), |sum, (a, b)| self.dot(w, &sum, a, b))
    }

    /// `sum` plus four products.
    pub(super) fn dot(&self, w: &mut Writer, sum: &Value, a: &Value, b: &Value) -> Value {
        if self.packed {
            let dot = w.op(format_args!(
                "spirv.SDot {a}, {b}, <PackedVectorFormat4x8Bit> : i32 -> i32"
            ));
            return w.add(sum, &dot);
        }
        let (a, b) = (signed_bytes(w, a), signed_bytes(w, b));
        a.iter().zip(&b).fold(sum.clone(), |sum, (a, b)| {
            let product = w.ints("muli", a, b);
            w.add(&sum, &product)
        })
    }
}
