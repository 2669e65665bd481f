//! Products of i8 of few tokens with rows that are lanes afterwards: each row of a vector sums its products in four lanes, and pairs of lanes of
//! neighbours are added until a lane holds a row. Sums of integers are exact, so bits are those of [`super::across`], which transposes the
//! weights before they are multiplied: that is dearer than this for few tokens, and cheaper for many.

use super::across::Group;
use super::dot;
use super::simd::{self, at};
use crate::{DType, Format, Text, Value};

/// Rows that share a vector.
const ROWS: usize = 4;

const WORDS: &str = "vector<4xi32>";
const BYTES: &str = "vector<16xi8>";

impl Group<'_> {
    /// Each token's products with the rows of vector `v`, tokens in order.
    pub(super) fn pairwise(&self, t: &mut Text, v: usize, inputs: i64) -> Vec<Value> {
        let blocks = self.q.group / 32;
        let starts: Vec<_> = (0..self.block.tokens)
            .map(|m| self.first_lane(t, m))
            .collect();
        let mut sums: Vec<[Value; ROWS]> = starts
            .iter()
            .map(|s| std::array::from_fn(|_| s.clone()))
            .collect();
        for b in 0..blocks {
            let valid = (inputs - 32 * b).clamp(0, 32) as usize;
            let w: Vec<_> = (0..ROWS)
                .map(|r| self.row(t, v * ROWS + r, b, valid))
                .collect();
            for (m, sums) in sums.iter_mut().enumerate() {
                let p = at(t, &self.cursor.x, m as i64 * self.q.row + 32 * b);
                let x = dot::load_parts(t, 2, &p);
                for half in 0..2 {
                    for (sum, w) in sums.iter_mut().zip(&w) {
                        *sum = dot::four(t, self.c, ROWS, sum, (&w[half], &x[half]));
                    }
                }
            }
        }
        sums.into_iter().map(|rows| fold(t, rows)).collect()
    }

    /// 32 weights of a row in two vectors.
    fn row(&self, t: &mut Text, row: usize, b: i64, valid: usize) -> Vec<Value> {
        let format = self.c.linear.format;
        let from = row as i64 * self.c.row_bytes() + b * 4 * format.bits();
        let p = at(t, &self.cursor.weight, from);
        if let Format::I4 { .. } = format {
            let packed = simd::load(t, &p, 16, DType::I8);
            return dot::nibbles(t, self.c, &packed);
        }
        let part = |t: &mut Text, from: usize| {
            let valid = valid.saturating_sub(from).min(16);
            if valid == 0 {
                return t.op(format_args!("arith.constant dense<0> : {BYTES}"));
            }
            let p = at(t, &p, from as i64);
            simd::load_first(t, &p, (valid, 16), DType::I8)
        };
        vec![part(t, 0), part(t, 16)]
    }

    /// What a row's sum with token `m` starts from, in one of its lanes.
    fn first_lane(&self, t: &mut Text, m: usize) -> Value {
        let zero = t.op(format_args!("arith.constant dense<0> : {WORDS}"));
        if self.q.bias == 0 {
            return zero;
        }
        let p = self.number(t, m, self.q.starts);
        let one = simd::load_one(t, &p, DType::I32);
        t.op(format_args!(
            "vector.insert {one}, {zero} [0] : i32 into {WORDS}"
        ))
    }
}

/// The sum of each row's lanes, a lane a row.
fn fold(t: &mut Text, rows: [Value; ROWS]) -> Value {
    let mut add = |a: &Value, b: &Value| {
        t.op(format_args!(
            "llvm.call_intrinsic \"llvm.aarch64.neon.addp.v4i32\"({a}, {b}) : ({WORDS}, {WORDS}) -> {WORDS}"
        ))
    };
    let [a, b, c, d] = rows;
    let (low, high) = (add(&a, &b), add(&c, &d));
    add(&low, &high)
}
