//! Products of i8 with the outputs of a tile in lanes: lane r of a vector holds four inputs of row r, and meets the same four of a token in
//! all lanes. A group's sum is then exact in one i32 lane an output, without a sum over lanes, and enters that output's only accumulator:
//! `sum = fma(f32(products) * scale of x, scale of w, sum)`, groups in ascending order, whatever the width of the vectors.
//!
//! Rows lie one behind the other in memory, so 16 bytes of each are loaded and transposed, once for all tokens.

use super::quantise::Quantised;
use super::rows::{Block, Context, split};
use super::simd::{self, at, fma, offset, ty};
use super::turns::{Cursor, LINE, fetch};
use super::{dot, rows};
use crate::schedule::Dot;
use crate::{DType, Format, Text, Value};

/// Four-byte words of 16 bytes, rows of a transposition.
const WORDS: usize = 4;

/// Lanes of a block's vectors: those of the target; a row alone fills the narrowest vector.
pub(super) fn lanes(c: &Context, block: &Block) -> usize {
    if block.rows == 1 {
        WORDS
    } else {
        c.target.lanes()
    }
}

/// Vectors that a block's rows fill.
pub(super) fn vectors(c: &Context, block: &Block) -> usize {
    block.rows.div_ceil(lanes(c, block))
}

/// Tokens whose products are summed by turns, so that none waits for its own last product.
fn side_by_side(c: &Context) -> usize {
    if c.target.vector_registers >= 32 {
        4
    } else {
        1
    }
}

/// f32 scales of the tile's rows: of rows alone as elsewhere, otherwise one vector of all rows a group, on the stack.
pub(super) fn scales(t: &mut Text, c: &Context, n: &Value, count: usize) -> Value {
    let dtype = c.linear.format.scale().unwrap_or(DType::F32);
    let Some(to) = c.scales.as_ref().filter(|_| count > 1) else {
        return rows::widen_scales(t, c, n, (count, None));
    };
    let (groups, size) = (c.linear.groups(), dtype.bytes() as i64);
    let from = offset(t, &c.slots[2], n, groups * size);
    split(t, groups, WORDS as i64, &mut |t, g, valid| {
        // The next tile's, in the order of memory.
        let part = WORDS as i64 * size * count as i64;
        if c.schedule.prefetch > 0 && valid as usize == WORDS {
            let next = offset(t, &from, g, size * count as i64);
            for line in 0..part / LINE {
                let p = at(t, &next, count as i64 * groups * size + LINE * line);
                fetch(t, c, &p);
            }
        }
        let (from, to) = (
            offset(t, &from, g, size),
            offset(t, to, g, 4 * count as i64),
        );
        let (valid, lanes) = ((valid as usize, WORDS), c.target.lanes());
        for first in (0..count).step_by(lanes) {
            let quads = gather(t, lanes, (WORDS, dtype), &mut |t, r| {
                let p = at(t, &from, (first + r) as i64 * groups * size);
                simd::load_first(t, &p, valid, dtype)
            });
            let quads: Vec<_> = quads
                .iter()
                .map(|q| simd::to_f32(t, q, lanes, dtype))
                .collect();
            let each = transpose(t, &quads, lanes, DType::F32);
            for (g, each) in each.iter().enumerate().take(valid.0) {
                let p = at(t, &to, 4 * (g * count + first) as i64);
                simd::store(t, each, &p, lanes, DType::F32);
            }
        }
    });
    to.clone()
}

/// `row(r)` of `rows` rows, each a vector of `part.0` elements, as four vectors: the i-th has rows i, i + 4, ... one behind the other.
fn gather(
    t: &mut Text,
    rows: usize,
    part: (usize, DType),
    row: &mut dyn FnMut(&mut Text, usize) -> Value,
) -> Vec<Value> {
    let mut quad = |i: usize| {
        let mut list: Vec<_> = (i..rows).step_by(WORDS).map(|r| row(t, r)).collect();
        let mut width = part.0;
        while list.len() > 1 {
            let all: Vec<_> = (0..2 * width).collect();
            let join = |pair: &[Value]| simd::shuffle(t, (&pair[0], &pair[1]), width, &all, part.1);
            list = list.chunks_exact(2).map(join).collect();
            width *= 2;
        }
        list.swap_remove(0)
    };
    (0..WORDS).map(&mut quad).collect()
}

/// Transposes each four by four elements of four vectors of `lanes`: what lay in row r at place j comes to lane r of vector j, if
/// [`gather`] put the rows there.
fn transpose(t: &mut Text, quads: &[Value], lanes: usize, dtype: DType) -> Vec<Value> {
    // Runs of `run` elements of a and of b in turn, from place `from` of each four on.
    let mut zip = |a: &Value, b: &Value, from: usize, run: usize| {
        let mut mask = Vec::new();
        for base in (from..lanes).step_by(WORDS) {
            for i in (base..base + 2).step_by(run) {
                mask.extend(i..i + run);
                mask.extend((i..i + run).map(|i| i + lanes));
            }
        }
        simd::shuffle(t, (a, b), lanes, &mask, dtype)
    };
    let [a, b, c, d] = quads else {
        return quads.to_vec();
    };
    let (ab, cd) = (zip(a, b, 0, 1), zip(c, d, 0, 1));
    let (ab_high, cd_high) = (zip(a, b, 2, 1), zip(c, d, 2, 1));
    vec![
        zip(&ab, &cd, 0, 2),
        zip(&ab, &cd, 2, 2),
        zip(&ab_high, &cd_high, 0, 2),
        zip(&ab_high, &cd_high, 2, 2),
    ]
}

/// A group of a block's rows and tokens.
pub(super) struct Group<'a> {
    pub c: &'a Context<'a>,
    pub q: &'a Quantised,
    pub block: &'a Block<'a>,
    pub cursor: &'a Cursor,
    /// Lanes of a vector.
    lanes: usize,
}

/// One group: sum += scale of w * (scale of x * products).
pub(super) fn step(
    t: &mut Text,
    c: &Context,
    block: &Block,
    cursor: &Cursor,
    mut sums: Vec<Value>,
    inputs: i64,
) -> Vec<Value> {
    let Some(q) = &c.quantised else { return sums };
    let lanes = lanes(c, block);
    let group = Group {
        c,
        q,
        block,
        cursor,
        lanes,
    };
    let (blocks, tokens, vectors) = (q.group / 32, block.tokens, vectors(c, block));
    if c.schedule.pairwise && block.rows > 1 {
        for v in 0..vectors {
            let products = group.pairwise(t, v, inputs);
            for (m, products) in products.iter().enumerate() {
                let at = v * tokens + m;
                sums[at] = group.add(t, (v, m), products, &sums[at]);
            }
        }
        return sums;
    }
    let side = (side_by_side(c) / vectors).max(1);
    let mut products: Vec<Option<Value>> = vec![None; tokens * vectors];
    for b in 0..blocks {
        let valid = (inputs - 32 * b).clamp(0, 32) as usize;
        let w: Vec<_> = (0..vectors)
            .map(|v| group.weights(t, v, b, valid))
            .collect();
        for first in (0..tokens).step_by(side) {
            let some: Vec<_> = (first..tokens.min(first + side)).collect();
            // Sums of the first vector of rows, then those of the next.
            let places: Vec<_> = (0..vectors)
                .flat_map(|v| some.iter().map(move |m| (v, m - first, v * tokens + m)))
                .collect();
            let mut whole: Vec<_> = places
                .iter()
                .map(|&(_, m, at)| {
                    let begun = products[at].take();
                    begun.unwrap_or_else(|| group.start(t, first + m))
                })
                .collect();
            for half in [0, WORDS] {
                let x: Vec<_> = (some.iter()).map(|&m| group.words(t, m, b, half)).collect();
                for j in 0..WORDS {
                    for (sum, &(v, m, _)) in whole.iter_mut().zip(&places) {
                        *sum = dot::four(t, c, lanes, sum, (&w[v][half + j], &x[m][j]));
                    }
                }
            }
            for (&(v, m, at), whole) in places.iter().zip(whole) {
                if b + 1 < blocks {
                    products[at] = Some(whole);
                } else {
                    sums[at] = group.add(t, (v, first + m), &whole, &sums[at]);
                }
            }
        }
    }
    sums
}

impl Group<'_> {
    /// Types of a vector of bytes, of words and of floats.
    fn types(&self) -> [String; 3] {
        [
            ty(4 * self.lanes, DType::I8),
            ty(self.lanes, DType::I32),
            ty(self.lanes, DType::F32),
        ]
    }

    /// Block `b` of 32 inputs of each row of vector `v` as eight vectors of bytes, offset as the instruction takes them.
    fn weights(&self, t: &mut Text, v: usize, b: i64, inputs: usize) -> Vec<Value> {
        let [bytes, ..] = self.types();
        let format = self.c.linear.format;
        let from = (v * self.lanes) as i64 * self.c.row_bytes() + b * 4 * format.bits();
        let pointer = at(t, &self.cursor.weight, from);
        let constant =
            |t: &mut Text, n: i8| t.op(format_args!("arith.constant dense<{n}> : {bytes}"));
        if matches!(format, Format::I4 { .. }) {
            let packed = self.panel(t, &pointer, 16);
            let (four, fifteen) = (constant(t, 4), constant(t, 15));
            let low: Vec<_> = (packed.iter())
                .map(|p| t.op(format_args!("arith.andi {p}, {fifteen} : {bytes}")))
                .collect();
            let high =
                (packed.iter()).map(|p| t.op(format_args!("arith.shrui {p}, {four} : {bytes}")));
            return low.into_iter().chain(high).collect();
        }
        let mut all = self.panel(t, &pointer, inputs);
        let second = at(t, &pointer, 16);
        all.extend(self.panel(t, &second, inputs.saturating_sub(16)));
        if self.c.schedule.dot != Some(Dot::Vpdpbusd) {
            return all;
        }
        let flip = constant(t, -128);
        let offset = |w: &Value| t.op(format_args!("arith.xori {w}, {flip} : {bytes}"));
        all.iter().map(offset).collect()
    }

    /// 16 bytes of each row of a vector, from `pointer` in the first row on, as four vectors of bytes: word j of all rows.
    fn panel(&self, t: &mut Text, pointer: &Value, valid: usize) -> Vec<Value> {
        let (lanes, valid) = (self.lanes, (valid.min(16), 16));
        let [bytes, words, _] = self.types();
        if valid.0 == 0 {
            let zero = t.op(format_args!("arith.constant dense<0> : {bytes}"));
            return vec![zero; WORDS];
        }
        let mut row = |t: &mut Text, r: usize| {
            let p = at(t, pointer, r as i64 * self.c.row_bytes());
            let bytes = simd::load_first(t, &p, valid, DType::I8);
            t.op(format_args!(
                "vector.bitcast {bytes} : vector<16xi8> to vector<4xi32>"
            ))
        };
        let each = if self.block.rows == 1 {
            let only = row(t, 0);
            (0..WORDS)
                .map(|j| simd::shuffle(t, (&only, &only), WORDS, &[j; WORDS], DType::I32))
                .collect()
        } else {
            let quads = gather(t, lanes, (WORDS, DType::I32), &mut row);
            transpose(t, &quads, lanes, DType::I32)
        };
        let as_bytes = |v: &Value| t.op(format_args!("vector.bitcast {v} : {words} to {bytes}"));
        each.iter().map(as_bytes).collect()
    }

    /// Words `from..from + 4` of block `b` of token `m`, each in all lanes, as bytes.
    fn words(&self, t: &mut Text, m: usize, b: i64, from: usize) -> Vec<Value> {
        let inputs = m as i64 * self.q.row + 32 * b + 4 * from as i64;
        let pointer = at(t, &self.cursor.x, inputs);
        let [bytes, words, _] = self.types();
        let whole = (self.c.schedule.dot == Some(Dot::Sdot)).then(|| {
            // The instruction takes a word of a register for all lanes.
            let all = simd::load(t, &pointer, 16, DType::I8);
            t.op(format_args!(
                "vector.bitcast {all} : vector<16xi8> to vector<4xi32>"
            ))
        });
        let mut word = |j: usize| {
            let splat = if let Some(whole) = &whole {
                simd::shuffle(t, (whole, whole), WORDS, &[j; WORDS], DType::I32)
            } else {
                let p = at(t, &pointer, 4 * j as i64);
                let one = simd::load_one(t, &p, DType::I32);
                t.op(format_args!("vector.broadcast {one} : i32 to {words}"))
            };
            t.op(format_args!("vector.bitcast {splat} : {words} to {bytes}"))
        };
        (0..WORDS).map(&mut word).collect()
    }

    /// Address of the group's number of four bytes in the list of token `m` that begins `list` bytes behind the token's start.
    pub fn number(&self, t: &mut Text, m: usize, list: i64) -> Value {
        let p = at(t, self.block.x, m as i64 * self.q.row + list);
        offset(t, &p, &self.cursor.step, 4)
    }

    /// What token `m`'s sum starts from.
    fn start(&self, t: &mut Text, m: usize) -> Value {
        let [_, words, _] = self.types();
        if self.q.bias == 0 {
            return t.op(format_args!("arith.constant dense<0> : {words}"));
        }
        let p = self.number(t, m, self.q.starts);
        let one = simd::load_one(t, &p, DType::I32);
        t.op(format_args!("vector.broadcast {one} : i32 to {words}"))
    }

    /// `sum` of token `m` and vector `v` plus the group's products, scaled.
    fn add(&self, t: &mut Text, (v, m): (usize, usize), products: &Value, sum: &Value) -> Value {
        let (n, [.., vector]) = (self.lanes, self.types());
        let real = simd::to_f32(t, products, n, DType::I32);
        let p = self.number(t, m, self.q.scales);
        let x = simd::load_splat(t, &p, n);
        let Some(scales) = self.block.scale else {
            return fma(t, &real, &x, sum, n);
        };
        let scaled = t.op(format_args!("arith.mulf {real}, {x} : {vector}"));
        let rows = self.block.rows;
        let p = offset(t, scales, &self.cursor.step, 4 * rows as i64);
        let w = if rows == 1 {
            simd::load_splat(t, &p, n)
        } else {
            let p = at(t, &p, (4 * v * n) as i64);
            simd::load(t, &p, n, DType::F32)
        };
        fma(t, &scaled, &w, sum, n)
    }
}
