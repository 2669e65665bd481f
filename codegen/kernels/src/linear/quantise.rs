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
                4 * dot::lanes(c.target) as i64 * groups
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
    for (i, v) in vectors.iter().enumerate() {
        let bytes = integers(t, v, &inverse, lanes);
        let p = at(t, &target, (i * lanes) as i64);
        simd::store(t, &bytes, &p, lanes, DType::I8);
    }
    if q.bias > 0 {
        start(t, c, q, (to, &target, g));
    }
}

/// A group's scale, and what its numbers are multiplied by, both zero for a group of zeros; NaN comes through.
fn scales(t: &mut Text, vectors: &[Value], lanes: usize) -> (Value, Value) {
    let vector = ty(lanes, DType::F32);
    let mut most: Option<Value> = None;
    for v in vectors {
        let size = t.op(format_args!("math.absf {v} : {vector}"));
        most = Some(most.map_or(size.clone(), |m| {
            t.op(format_args!("arith.maximumf {m}, {size} : {vector}"))
        }));
    }
    let mut most = most.unwrap_or_else(|| simd::splat(t, "0.0", lanes));
    let mut width = lanes;
    while width > 1 {
        let half = width / 2;
        let (a, b) = (
            simd::slice(t, &most, width, (0, half), DType::F32),
            simd::slice(t, &most, width, (half, half), DType::F32),
        );
        most = t.op(format_args!(
            "arith.maximumf {a}, {b} : {}",
            ty(half, DType::F32)
        ));
        width = half;
    }
    let most = t.op(format_args!(
        "vector.extract {most}[0] : f32 from vector<1xf32>"
    ));
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
    let words = t.op(format_args!(
        "arith.fptosi {within} : {vector} to {}",
        ty(lanes, DType::I32)
    ));
    t.op(format_args!(
        "arith.trunci {words} : {} to {}",
        ty(lanes, DType::I32),
        ty(lanes, DType::I8)
    ))
}

/// Stores where the sums of a group start: minus what the weights' offset adds.
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
