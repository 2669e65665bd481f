//! Products of i8, summed exactly in i32 within a group. Where the instruction wants unsigned weights they are offset, and the sum starts at
//! `-offset * sum(x)`.

use super::quantise::Quantised;
use super::rows::{Block, Context};
use super::simd::{self, at, fma, offset, ty};
use super::turns::Cursor;
use crate::schedule::Dot;
use crate::{DType, Format, Target, Text, Value};

/// Lanes of an accumulator: a vector of at most one group of 32 bytes.
pub(super) fn lanes(target: &Target) -> usize {
    (target.vector_bits.min(256) / 32) as usize
}

/// Vectors that 32 bytes are held in.
pub(super) fn parts(c: &Context) -> usize {
    if c.schedule.dot == Some(Dot::Vpdpbusd) {
        1
    } else {
        2
    }
}

pub(super) fn load_parts(t: &mut Text, parts: usize, pointer: &Value) -> Vec<Value> {
    let n = 32 / parts;
    (0..parts)
        .map(|i| {
            let p = at(t, pointer, (i * n) as i64);
            simd::load(t, &p, n, DType::I8)
        })
        .collect()
}

/// `sum` plus the products of 32 weights and 32 inputs, in some lanes.
pub(super) fn dot(t: &mut Text, c: &Context, sum: &Value, w: &[Value], x: &[Value]) -> Value {
    let n = lanes(c.target);
    let words = ty(n, DType::I32);
    let mut sum = sum.clone();
    for (w, x) in w.iter().zip(x) {
        sum = match c.schedule.dot {
            Some(Dot::Vpdpbusd) => t.op(format_args!(
                "llvm.call_intrinsic \"llvm.x86.avx512.vpdpbusd.256\"({sum}, {w}, {x}) : (vector<8xi32>, vector<32xi8>, vector<32xi8>) -> vector<8xi32>"
            )),
            Some(Dot::Sdot) => t.op(format_args!(
                "llvm.call_intrinsic \"llvm.aarch64.neon.sdot.v4i32.v16i8\"({sum}, {w}, {x}) : (vector<4xi32>, vector<16xi8>, vector<16xi8>) -> vector<4xi32>"
            )),
            Some(Dot::Pmaddwd) => {
                let [w, x] = [w, x].map(|v| t.op(format_args!("arith.extsi {v} : vector<16xi8> to vector<16xi16>")));
                let pairs = t.op(format_args!(
                    "llvm.call_intrinsic \"llvm.x86.avx2.pmadd.wd\"({w}, {x}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>"
                ));
                t.op(format_args!("arith.addi {sum}, {pairs} : {words}"))
            }
            Some(Dot::Widen) | None => widen(t, n, &sum, w, x),
        };
    }
    sum
}

/// `sum` plus four products a lane, of the instructions that have them: `n` lanes.
pub(super) fn four(
    t: &mut Text,
    c: &Context,
    n: usize,
    sum: &Value,
    (w, x): (&Value, &Value),
) -> Value {
    let name = match c.schedule.dot {
        Some(Dot::Sdot) => "aarch64.neon.sdot.v4i32.v16i8".to_owned(),
        _ => format!("x86.avx512.vpdpbusd.{}", 32 * n),
    };
    let (words, bytes) = (ty(n, DType::I32), ty(4 * n, DType::I8));
    t.op(format_args!(
        "llvm.call_intrinsic \"llvm.{name}\"({sum}, {w}, {x}) : ({words}, {bytes}, {bytes}) -> {words}"
    ))
}

/// 16 products in i16, which hold them, added in i32.
fn widen(t: &mut Text, n: usize, sum: &Value, w: &Value, x: &Value) -> Value {
    let [w, x] = [w, x].map(|v| {
        t.op(format_args!(
            "arith.extsi {v} : vector<16xi8> to vector<16xi16>"
        ))
    });
    let products = t.op(format_args!("arith.muli {w}, {x} : vector<16xi16>"));
    let mut sum = sum.clone();
    for i in 0..16 / n {
        let part = t.op(format_args!(
            "vector.extract_strided_slice {products} {{offsets = [{}], sizes = [{n}], strides = [1]}} : vector<16xi16> to vector<{n}xi16>",
            i * n
        ));
        let part = t.op(format_args!(
            "arith.extsi {part} : vector<{n}xi16> to vector<{n}xi32>"
        ));
        sum = t.op(format_args!("arith.addi {sum}, {part} : vector<{n}xi32>"));
    }
    sum
}

/// 32 weights, offset, as the instruction takes them.
fn weights(t: &mut Text, c: &Context, pointer: &Value, inputs: usize) -> Vec<Value> {
    if matches!(c.linear.format, Format::I4 { .. }) {
        let packed = simd::load(t, pointer, 16, DType::I8);
        return nibbles(t, c, &packed);
    }
    let n = 32 / parts(c);
    (0..parts(c))
        .map(|i| {
            let p = at(t, pointer, (i * n) as i64);
            let valid = inputs.saturating_sub(i * n).min(n);
            if valid == 0 {
                return t.op(format_args!(
                    "arith.constant dense<0> : {}",
                    ty(n, DType::I8)
                ));
            }
            let w = simd::load_first(t, &p, (valid, n), DType::I8);
            if c.schedule.dot != Some(Dot::Vpdpbusd) {
                return w;
            }
            let flip = t.op(format_args!(
                "arith.constant dense<-128> : {}",
                ty(n, DType::I8)
            ));
            t.op(format_args!(
                "arith.xori {w}, {flip} : {}",
                ty(n, DType::I8)
            ))
        })
        .collect()
}

/// Low nibbles, then high ones.
pub(super) fn nibbles(t: &mut Text, c: &Context, packed: &Value) -> Vec<Value> {
    if parts(c) == 1 {
        let order: Vec<_> = (0..32).map(|i| i % 16).collect();
        let twice = simd::shuffle(t, (packed, packed), 16, &order, DType::I8);
        let words = t.op(format_args!(
            "vector.bitcast {twice} : vector<32xi8> to vector<8xi32>"
        ));
        let shifts = t.op("arith.constant dense<[0, 0, 0, 0, 4, 4, 4, 4]> : vector<8xi32>");
        let shifted = t.op(format_args!(
            "arith.shrui {words}, {shifts} : vector<8xi32>"
        ));
        let bytes = t.op(format_args!(
            "vector.bitcast {shifted} : vector<8xi32> to vector<32xi8>"
        ));
        let fifteen = t.op("arith.constant dense<15> : vector<32xi8>");
        return vec![t.op(format_args!(
            "arith.andi {bytes}, {fifteen} : vector<32xi8>"
        ))];
    }
    let fifteen = t.op("arith.constant dense<15> : vector<16xi8>");
    let four = t.op("arith.constant dense<4> : vector<16xi8>");
    vec![
        t.op(format_args!(
            "arith.andi {packed}, {fifteen} : vector<16xi8>"
        )),
        t.op(format_args!("arith.shrui {packed}, {four} : vector<16xi8>")),
    ]
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
    let row = |t: &mut Text, r: usize| -> Vec<_> {
        let p = block.row(t, &cursor.weight, r, c.row_bytes());
        let blocks = 0..q.group / 32;
        let block = |b: i64| {
            let p = at(t, &p, b * 4 * c.linear.format.bits());
            weights(t, c, &p, (inputs - 32 * b).clamp(0, 32) as usize)
        };
        blocks.map(block).collect()
    };
    let mut multiply = |t: &mut Text, (r, m): (usize, usize), w: &[Vec<Value>], x: &Token| {
        let sum = &mut sums[r * block.tokens + m];
        *sum = product(t, c, (block, cursor, r), w, x, sum);
    };
    if block.rows <= block.tokens {
        let rows: Vec<_> = (0..block.rows).map(|r| row(t, r)).collect();
        for m in 0..block.tokens {
            let x = Token::load(t, c, q, block, cursor, m);
            rows.iter()
                .enumerate()
                .for_each(|(r, w)| multiply(t, (r, m), w, &x));
        }
    } else {
        let x: Vec<_> = (0..block.tokens)
            .map(|m| Token::load(t, c, q, block, cursor, m))
            .collect();
        for r in 0..block.rows {
            let w = row(t, r);
            x.iter()
                .enumerate()
                .for_each(|(m, x)| multiply(t, (r, m), &w, x));
        }
    }
    sums
}

/// A token's group.
struct Token {
    values: Vec<Vec<Value>>,
    scale: Value,
    start: Value,
}

impl Token {
    fn load(
        t: &mut Text,
        c: &Context,
        q: &Quantised,
        block: &Block,
        cursor: &Cursor,
        m: usize,
    ) -> Token {
        let n = lanes(c.target);
        let base = at(t, block.x, m as i64 * q.row);
        let p = offset(t, &base, &cursor.step, 4);
        let p = at(t, &p, q.scales);
        let scale = simd::load_splat(t, &p, n);
        let start = if q.bias == 0 {
            t.op(format_args!(
                "arith.constant dense<0> : {}",
                ty(n, DType::I32)
            ))
        } else {
            let p = offset(t, &base, &cursor.step, 4 * n as i64);
            let p = at(t, &p, q.starts);
            simd::load(t, &p, n, DType::I32)
        };
        let base = at(t, &cursor.x, m as i64 * q.row);
        let values = (0..q.group / 32)
            .map(|b| at(t, &base, 32 * b))
            .collect::<Vec<_>>();
        let values = values.iter().map(|p| load_parts(t, parts(c), p)).collect();
        Token {
            values,
            scale,
            start,
        }
    }
}

fn product(
    t: &mut Text,
    c: &Context,
    (block, cursor, row): (&Block, &Cursor, usize),
    w: &[Vec<Value>],
    x: &Token,
    sum: &Value,
) -> Value {
    let n = lanes(c.target);
    let vector = ty(n, DType::F32);
    let mut whole = x.start.clone();
    for (w, x) in w.iter().zip(&x.values) {
        whole = dot(t, c, &whole, w, x);
    }
    let real = simd::to_f32(t, &whole, n, DType::I32);
    match block.scale {
        None => fma(t, &real, &x.scale, sum, n),
        Some(scales) => {
            let scaled = t.op(format_args!("arith.mulf {real}, {} : {vector}", x.scale));
            let p = offset(t, scales, &cursor.step, 4);
            let p = block.scale_row(t, c, &p, row);
            let scale = simd::load_splat(t, &p, n);
            fma(t, &scaled, &scale, sum, n)
        }
    }
}
