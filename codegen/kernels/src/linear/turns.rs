//! The loop over the inputs of a block's rows.

use super::rows::{Block, Context};
use super::simd::{self, at, int, offset, ty};
use super::{across, dot, float};
use crate::{DType, Text, Value};

/// Bytes of a cache line, on all cores that prefetch.
pub(super) const LINE: i64 = 64;

/// Streams in which the next tile's weights are asked for (i8, k = 1536: 2 take 1.22 ms with 8 tokens, 4 1.07, 8 1.17).
const STREAMS: i64 = 4;

/// A position within the rows of a block.
pub(super) struct Cursor {
    pub weight: Value,
    pub x: Value,
    /// Steps so far; a constant behind the loop.
    pub step: Value,
}

impl Cursor {
    /// The position `steps` later.
    fn forward(&self, t: &mut Text, c: &Context, steps: i64) -> Cursor {
        let inputs = steps * c.schedule.step;
        let weight = at(t, &self.weight, weight_bytes(c, inputs));
        let x = at(t, &self.x, inputs * c.x().bytes() as i64);
        let step = if steps == 0 {
            self.step.clone()
        } else {
            let steps = int(t, steps);
            t.op(format_args!(
                "arith.addi {}, {steps} overflow<nsw> : i64",
                self.step
            ))
        };
        Cursor { weight, x, step }
    }
}

/// One vector of partial sums for each row and token, rows first.
pub(super) fn inputs(t: &mut Text, c: &Context, block: &Block) -> Vec<Value> {
    let (k, step) = (c.linear.k, c.schedule.step);
    let (steps, turn) = (k / step, turn(c, block));
    let (n, lanes) = c.sums(block);
    let zero = simd::splat(t, "0.0", lanes);
    let mut sums = vec![zero; n];
    if steps >= turn {
        sums = turns(t, c, block, (steps / turn, turn), &sums);
    }
    let start = Cursor {
        weight: block.weight.clone(),
        x: block.x.clone(),
        step: int(t, 0),
    };
    for i in steps / turn * turn..(k + step - 1) / step {
        let cursor = start.forward(t, c, i);
        sums = body(t, c, block, &cursor, sums, step.min(k - i * step));
    }
    sums
}

/// A loop of `count` turns, `turn` steps each.
fn turns(
    t: &mut Text,
    c: &Context,
    block: &Block,
    (count, turn): (i64, i64),
    sums: &[Value],
) -> Vec<Value> {
    let (from, to, one) = (int(t, 0), int(t, count), int(t, 1));
    let (i, results) = (t.fresh(), t.fresh());
    let mut carried: Vec<_> = sums.iter().map(|_| t.fresh()).collect();
    let init: Vec<_> = (carried.iter().zip(sums))
        .map(|(a, b)| format!("{a} = {b}"))
        .collect();
    let (n, init) = (sums.len(), init.join(", "));
    let types = vec![ty(c.sums(block).1, DType::F32); n].join(", ");
    t.open(format_args!("{results}:{n} = scf.for {i} = {from} to {to} step {one} iter_args({init}) -> ({types}) : i64 {{"));
    let inputs = turn * c.schedule.step;
    let start = Cursor {
        weight: offset(t, block.weight, &i, weight_bytes(c, inputs)),
        x: offset(t, block.x, &i, inputs * c.x().bytes() as i64),
        step: times(t, &i, turn),
    };
    prefetch(t, c, block, &start.weight, &i);
    for j in 0..turn {
        let cursor = start.forward(t, c, j);
        carried = body(t, c, block, &cursor, carried, c.schedule.step);
    }
    let next: Vec<_> = carried.iter().map(Value::to_string).collect();
    t.line(format_args!("scf.yield {} : {types}", next.join(", ")));
    t.close("}");
    let results = results.to_string();
    let results = results.trim_start_matches('%');
    (0..n)
        .map(|i| Value::named(&format!("{results}#{i}")))
        .collect()
}

/// Steps of a turn: rows that lie apart are prefetched in whole lines of each.
fn turn(c: &Context, block: &Block) -> i64 {
    if block.apart.is_none() || c.schedule.prefetch == 0 {
        return 1;
    }
    (LINE / weight_bytes(c, c.schedule.step)).max(1)
}

/// Bytes of so many weights of a row.
fn weight_bytes(c: &Context, inputs: i64) -> i64 {
    inputs * c.linear.format.bits() / 8
}

fn times(t: &mut Text, value: &Value, factor: i64) -> Value {
    if factor == 1 {
        return value.clone();
    }
    let factor = int(t, factor);
    t.op(format_args!(
        "arith.muli {value}, {factor} overflow<nsw> : i64"
    ))
}

/// Asks the second cache (or the first, if the schedule says so) for the line at `pointer`, which may lie anywhere.
pub(super) fn fetch(t: &mut Text, c: &Context, pointer: &Value) {
    let hint = if c.schedule.near { 3 } else { 2 };
    t.line(format_args!("\"llvm.intr.prefetch\"({pointer}) <{{cache = 1 : i32, hint = {hint} : i32, rw = 0 : i32}}> : (!llvm.ptr) -> ()"));
}

fn body(
    t: &mut Text,
    c: &Context,
    block: &Block,
    cursor: &Cursor,
    sums: Vec<Value>,
    inputs: i64,
) -> Vec<Value> {
    match (c.schedule.dot, c.linear.format.group()) {
        (Some(_), _) if c.schedule.across => across::step(t, c, block, cursor, sums, inputs),
        (Some(_), _) => dot::step(t, c, block, cursor, sums, inputs),
        (None, 0) => float::plain(t, c, block, cursor, sums, inputs as usize),
        (None, _) => float::grouped(t, c, block, cursor, sums),
    }
}

/// A turn asks the second cache for as many lines as it reads: `prefetch` bytes ahead in each row, if rows lie apart. If they lie one behind the
/// other, `prefetch` bytes ahead of where it would be if it read them in order.
fn prefetch(t: &mut Text, c: &Context, block: &Block, weight: &Value, turn: &Value) {
    let (distance, bytes) = (c.schedule.prefetch, weight_bytes(c, c.schedule.step));
    if distance == 0 {
        return;
    }
    let lines: Vec<_> = if block.apart.is_some() {
        let each = bytes.max(LINE) / LINE;
        let all = (0..block.rows).flat_map(|r| (0..each).map(move |l| (r, l)));
        all.map(|(r, l)| {
            let p = block.row(t, weight, r, c.row_bytes());
            at(t, &p, distance + LINE * l)
        })
        .collect()
    } else if c.schedule.across {
        // Several streams at once, which the memory system follows each.
        let count = bytes * block.rows as i64 / LINE;
        let streams = count.clamp(1, STREAMS);
        let (each, share) = (count / streams, c.row_bytes() * block.rows as i64 / streams);
        let base = offset(t, block.weight, turn, each * LINE);
        let all = (0..streams).flat_map(|s| (0..each).map(move |l| share * s + LINE * l));
        all.map(|place| at(t, &base, distance + place)).collect()
    } else {
        let all = bytes * block.rows as i64;
        let base = offset(t, block.weight, turn, all);
        let lines = 0..all / LINE;
        lines.map(|l| at(t, &base, distance + LINE * l)).collect()
    };
    for line in lines {
        fetch(t, c, &line);
    }
}
