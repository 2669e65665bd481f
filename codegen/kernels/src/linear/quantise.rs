//! Quantises x on the stack, once a call.
//!
//! A group of x has the scale `max |x| / 127`; its integers are `x * (127 / max |x|)` rounded to nearest even. Groups are the weight's, or 32
//! inputs where a row of the weight has one scale. A group whose maximum is not above 2^-100 counts as zeros; one with a NaN has the scale NaN.

use super::rows::{Context, alloca, split};
use super::simd::{self, at, int, offset, ty};
use super::{STACK, dot};
use crate::schedule::Dot;
use crate::{DType, Format, KernelError, Text, Value};

/// Where quantised activations lie: per token the integers, then a scale a group, then a start of the sum a group.
pub(super) struct Quantised {
    /// First integer of the first token.
    pub values: Value,
    /// Bytes of a token.
    pub row: i64,
    /// Tokens that there is room for.
    pub tokens: i64,
    /// Inputs of a group.
    pub group: i64,
    /// Bytes from a token's start to its scales.
    pub scales: i64,
    /// Bytes from a token's start to its groups' starts.
    pub starts: i64,
    /// What was added to the weights.
    pub bias: i64,
}

impl Quantised {
    /// Reserves at most `room` bytes of stack.
    pub fn new(t: &mut Text, c: &Context, room: i64) -> Result<Self, KernelError> {
        let group = c.linear.format.group().max(32);
        let scales = (c.linear.k + group - 1) / group * group;
        let groups = scales / group;
        let starts = scales + 4 * groups;
        let bias = match (c.linear.format, c.schedule.dot) {
            (Format::I4 { .. }, _) => 8,
            (_, Some(Dot::Vpdpbusd)) => 128,
            _ => 0,
        };
        let size = starts
            + if bias == 0 {
                0
            } else {
                4 * starts_lanes(c) as i64 * groups
            };
        let row = (size + 63) / 64 * 64;
        let part = c.schedule.tokens as i64;
        let fit = room / row;
        let tokens = if fit >= c.linear.m {
            c.linear.m
        } else {
            (fit / part * part).max(fit.min(part))
        };
        if tokens == 0 {
            return Err(KernelError::Unsupported(format!(
                "linear: a quantised token of k={} takes more than {STACK} bytes",
                c.linear.k
            )));
        }
        Ok(Quantised {
            values: alloca(t, tokens * row),
            row,
            tokens,
            group,
            scales,
            starts,
            bias,
        })
    }
}

/// Lanes of a group's start: those of a sum, or the whole sum in one.
fn starts_lanes(c: &Context) -> usize {
    if c.schedule.across {
        1
    } else {
        dot::lanes(c.target)
    }
}

/// Quantises `count` tokens from `first` on.
pub(super) fn quantise(t: &mut Text, c: &Context, first: &Value, count: i64) {
    let Some(q) = &c.quantised else { return };
    let (x_row, size) = (
        c.linear.x_stride * c.linear.x.bytes() as i64,
        c.linear.x.bytes() as i64,
    );
    let base = offset(t, &c.slots[0], first, x_row);
    split(t, count, 1, &mut |t, m, _| {
        let (from, to) = (offset(t, &base, m, x_row), offset(t, &q.values, m, q.row));
        split(t, c.linear.k, q.group, &mut |t, k, inputs| {
            let shift = int(t, q.group.trailing_zeros().into());
            let g = t.op(format_args!("arith.shrui {k}, {shift} : i64"));
            let from = offset(t, &from, k, size);
            quantise_group(t, c, q, (&from, &to, k, &g), inputs as usize);
        });
    });
}

fn quantise_group(
    t: &mut Text,
    c: &Context,
    q: &Quantised,
    (from, to, k, g): (&Value, &Value, &Value, &Value),
    inputs: usize,
) {
    let lanes = c.target.lanes();
    let vectors: Vec<_> = (0..q.group as usize / lanes)
        .map(|i| {
            let p = at(t, from, (i * lanes) as i64 * c.linear.x.bytes() as i64);
            let valid = inputs.saturating_sub(i * lanes).min(lanes);
            if valid == 0 {
                return simd::splat(t, "0.0", lanes);
            }
            let narrow = simd::load_first(t, &p, (valid, lanes), c.linear.x);
            simd::to_f32(t, &narrow, lanes, c.linear.x)
        })
        .collect();
    let (scale, inverse) = scales(t, &vectors, lanes);
    let p = offset(t, to, g, 4);
    let p = at(t, &p, q.scales);
    t.line(format_args!(
        "llvm.store {scale}, {p} {{alignment = 4 : i64}} : f32, !llvm.ptr"
    ));
    let target = offset(t, to, k, 1);
    let mut sum: Option<Value> = None;
    for (i, v) in vectors.iter().enumerate() {
        let words = integers(t, v, &inverse, lanes);
        let [wide, narrow] = [DType::I32, DType::I8].map(|d| ty(lanes, d));
        let bytes = t.op(format_args!("arith.trunci {words} : {wide} to {narrow}"));
        sum = Some(sum.map_or(words.clone(), |sum| {
            t.op(format_args!("arith.addi {sum}, {words} : {wide}"))
        }));
        let p = at(t, &target, (i * lanes) as i64);
        simd::store(t, &bytes, &p, lanes, DType::I8);
    }
    match sum {
        Some(sum) if q.bias > 0 && c.schedule.across => whole_start(t, c, q, (to, &sum, g)),
        _ if q.bias > 0 => start(t, c, q, (to, &target, g)),
        _ => {}
    }
}

/// A group's scale, and what its numbers are multiplied by, both zero for a group of zeros; NaN comes through.
fn scales(t: &mut Text, vectors: &[Value], lanes: usize) -> (Value, Value) {
    let words = ty(lanes, DType::I32);
    // Bits of sizes are ordered as the sizes are, and NaN lies above all.
    let mut most: Option<Value> = None;
    for v in vectors {
        let size = t.op(format_args!("math.absf {v} : {}", ty(lanes, DType::F32)));
        let bits = t.op(format_args!(
            "arith.bitcast {size} : {} to {words}",
            ty(lanes, DType::F32)
        ));
        most = Some(most.map_or(bits.clone(), |m| {
            t.op(format_args!("arith.maxsi {m}, {bits} : {words}"))
        }));
    }
    let most = most.unwrap_or_else(|| t.op(format_args!("arith.constant dense<0> : {words}")));
    let most = t.op(format_args!(
        "vector.reduction <maxsi>, {most} : {words} into i32"
    ));
    let most = t.op(format_args!("arith.bitcast {most} : i32 to f32"));
    let (full, zero) = (
        t.op("arith.constant 127.0 : f32"),
        t.op("arith.constant 0.0 : f32"),
    );
    let small = t.op("arith.constant 7.888609e-31 : f32");
    let some = t.op(format_args!("arith.cmpf ugt, {most}, {small} : f32"));
    let pair = [(&most, &full), (&full, &most)].map(|(a, b)| {
        let quotient = t.op(format_args!("arith.divf {a}, {b} : f32"));
        t.op(format_args!(
            "arith.select {some}, {quotient}, {zero} : f32"
        ))
    });
    let [scale, inverse] = pair;
    (scale, inverse)
}

/// x times `inverse` to the nearest integers, as i32.
fn integers(t: &mut Text, v: &Value, inverse: &Value, lanes: usize) -> Value {
    let vector = ty(lanes, DType::F32);
    let inverse = t.op(format_args!("vector.broadcast {inverse} : f32 to {vector}"));
    let scaled = t.op(format_args!("arith.mulf {v}, {inverse} : {vector}"));
    let rounded = t.op(format_args!("math.roundeven {scaled} : {vector}"));
    let (top, bottom) = (
        simd::splat(t, "127.0", lanes),
        simd::splat(t, "-127.0", lanes),
    );
    let below = t.op(format_args!("arith.minnumf {rounded}, {top} : {vector}"));
    let within = t.op(format_args!("arith.maxnumf {below}, {bottom} : {vector}"));
    t.op(format_args!(
        "arith.fptosi {within} : {vector} to {}",
        ty(lanes, DType::I32)
    ))
}

/// Stores where the sum of a group starts, in one number: minus what the weights' offset adds to the products with integers that sum, lane by
/// lane, to `sum`.
fn whole_start(t: &mut Text, c: &Context, q: &Quantised, (to, sum, g): (&Value, &Value, &Value)) {
    let sum = t.op(format_args!(
        "vector.reduction <add>, {sum} : {} into i32",
        ty(c.target.lanes(), DType::I32)
    ));
    let minus = t.op(format_args!("arith.constant {} : i32", -q.bias));
    let start = t.op(format_args!("arith.muli {sum}, {minus} : i32"));
    let p = offset(t, to, g, 4);
    let p = at(t, &p, q.starts);
    simd::store_one(t, &start, &p, DType::I32);
}

/// Stores where the sums of a group start, in as many lanes as a sum has: minus what the weights' offset adds.
fn start(t: &mut Text, c: &Context, q: &Quantised, (to, values, g): (&Value, &Value, &Value)) {
    let n = dot::lanes(c.target);
    let zero = t.op(format_args!(
        "arith.constant dense<0> : {}",
        ty(n, DType::I32)
    ));
    let parts = dot::parts(c);
    // 128 as a signed byte is -128; only VPDPBUSD, which reads it unsigned, has that offset.
    let byte = q.bias as u8 as i8;
    let ones = t.op(format_args!(
        "arith.constant dense<{byte}> : {}",
        ty(32 / parts, DType::I8)
    ));
    let mut sum = zero.clone();
    for block in 0..q.group / 32 {
        let p = at(t, values, 32 * block);
        let x = dot::load_parts(t, parts, &p);
        sum = dot::dot(t, c, &sum, &vec![ones.clone(); parts], &x);
    }
    let start = t.op(format_args!(
        "arith.subi {zero}, {sum} : {}",
        ty(n, DType::I32)
    ));
    let p = offset(t, to, g, 4 * n as i64);
    let p = at(t, &p, q.starts);
    simd::store(t, &start, &p, n, DType::I32);
}
