//! Weights `[N, K]`: the loops over rows, tokens and inputs that all formats share.

use super::simd::{self, at, int, offset, ty};
use super::{Linear, STACK, dot, float, quantise};
use crate::schedule::LinearSchedule;
use crate::{Activations, DType, Format, KernelError, Target, Text, Value};

/// What the parts of a kernel's text share.
pub(super) struct Context<'a> {
    pub linear: &'a Linear,
    pub target: &'a Target,
    pub schedule: &'a LinearSchedule,
    /// One pointer a slot.
    pub slots: Vec<Value>,
    /// f32 scales of a tile's rows, where they are not f32 in memory.
    pub scales: Option<Value>,
    /// Quantised activations.
    pub quantised: Option<quantise::Quantised>,
    /// The values -8..7, where a register is a table of 16.
    pub table: Option<Value>,
}

/// Rows and tokens that are computed together.
pub(super) struct Block<'a> {
    pub rows: usize,
    pub tokens: usize,
    /// First weight of the first row.
    pub weight: &'a Value,
    /// First f32 scale of the first row, if scales are per group.
    pub scale: Option<&'a Value>,
    /// First input of the first token; of the quantised ones where there are.
    pub x: &'a Value,
}

/// A position within the rows of a block.
pub(super) struct Cursor {
    pub weight: Value,
    pub x: Value,
    /// Steps so far; a constant behind the loop.
    pub step: Value,
}

impl Context<'_> {
    /// Lanes of an accumulator.
    pub fn lanes(&self) -> usize {
        self.schedule
            .dot
            .map_or(self.target.lanes(), |_| dot::lanes(self.target))
    }

    /// Bytes of a row of the weight.
    pub fn row_bytes(&self) -> i64 {
        self.linear.k * self.linear.format.bits() / 8
    }

    /// Bytes between two rows of f32 scales.
    pub fn scale_row(&self) -> i64 {
        4 * if self.scales.is_some() {
            padded(self.linear.groups(), self.target.lanes())
        } else {
            self.linear.groups()
        }
    }

    /// Bytes between two tokens of what [`Block::x`] points to.
    pub fn x_row(&self) -> i64 {
        self.quantised
            .as_ref()
            .map_or(self.linear.x_stride * self.linear.x.bytes() as i64, |q| {
                q.row
            })
    }
}

fn padded(n: i64, to: usize) -> i64 {
    (n as u64).next_multiple_of(to as u64) as i64
}

/// The kernel's text.
pub(super) fn emit(
    linear: &Linear,
    target: &Target,
    schedule: &LinearSchedule,
) -> Result<String, KernelError> {
    use crate::Emit as _;
    let mut t = Text::new();
    t.open(format_args!(
        "func.func private @{}(%args: !llvm.ptr, %lo: i64, %hi: i64) {{",
        linear.name()
    ));
    let mut c = Context {
        linear,
        target,
        schedule,
        slots: slots(&mut t, linear.slots().len()),
        scales: None,
        quantised: None,
        table: None,
    };
    let mut stack = STACK;
    if linear.format.group() > 0 && linear.format.scale() == Some(DType::F16) {
        let bytes = 4 * schedule.rows as i64 * padded(linear.groups(), target.lanes());
        stack -= bytes;
        c.scales = Some(alloca(&mut t, bytes));
    }
    if stack < 0 {
        return Err(KernelError::Unsupported(format!(
            "linear: the scales of {} rows of k={} take more than {STACK} bytes",
            schedule.rows, linear.k
        )));
    }
    if linear.activations == Activations::I8 {
        c.quantised = Some(quantise::Quantised::new(&mut t, &c, stack)?);
    }
    c.table = float::table(&mut t, &c);
    match c.quantised.as_ref().map(|q| q.tokens) {
        Some(tokens) if tokens < linear.m => {
            split(&mut t, linear.m, tokens, &mut |t, first, count| {
                quantise::quantise(t, &c, first, count);
                all_rows(t, &c, first, count);
            });
        }
        Some(_) => {
            let zero = int(&mut t, 0);
            quantise::quantise(&mut t, &c, &zero, linear.m);
            all_rows(&mut t, &c, &zero, linear.m);
        }
        None => {
            let zero = int(&mut t, 0);
            all_rows(&mut t, &c, &zero, linear.m);
        }
    }
    t.line("return");
    t.close("}");
    Ok(t.finish())
}

/// Loads the pointers of all slots.
pub(super) fn slots(t: &mut Text, n: usize) -> Vec<Value> {
    let args = Value::named("args");
    let mut slots = Vec::new();
    for i in 0..n {
        let slot = at(t, &args, 8 * i as i64);
        slots.push(t.op(format_args!(
            "llvm.load {slot} {{alignment = 8 : i64}} : !llvm.ptr -> !llvm.ptr"
        )));
    }
    slots
}

pub(super) fn alloca(t: &mut Text, bytes: i64) -> Value {
    let bytes = int(t, bytes);
    t.op(format_args!(
        "llvm.alloca {bytes} x i8 {{alignment = 64 : i64}} : (i64) -> !llvm.ptr"
    ))
}

/// `total` things in portions of `part`, and a smaller one if that doesn't divide.
pub(super) fn split(
    t: &mut Text,
    total: i64,
    part: i64,
    body: &mut dyn FnMut(&mut Text, &Value, i64),
) {
    let full = total / part * part;
    if full == part {
        let zero = int(t, 0);
        body(t, &zero, part);
    } else if full > 0 {
        let (zero, end, step) = (int(t, 0), int(t, full), int(t, part));
        let i = t.fresh();
        t.open(format_args!(
            "scf.for {i} = {zero} to {end} step {step} : i64 {{"
        ));
        body(t, &i, part);
        t.close("}");
    }
    if full < total {
        let first = int(t, full);
        body(t, &first, total - full);
    }
}

/// `[lo, hi)` in tiles of `rows` and then of one.
pub(super) fn tiles(
    t: &mut Text,
    (lo, hi): (&Value, &Value),
    rows: usize,
    body: &mut dyn FnMut(&mut Text, &Value, usize),
) {
    let mut start = lo.clone();
    for rows in if rows == 1 { vec![1] } else { vec![rows, 1] } {
        let step = int(t, rows as i64);
        let length = t.op(format_args!("arith.subi {hi}, {start} overflow<nsw> : i64"));
        let count = t.op(format_args!("arith.divsi {length}, {step} : i64"));
        let length = t.op(format_args!(
            "arith.muli {count}, {step} overflow<nsw> : i64"
        ));
        let end = t.op(format_args!(
            "arith.addi {start}, {length} overflow<nsw> : i64"
        ));
        let n = t.fresh();
        t.open(format_args!(
            "scf.for {n} = {start} to {end} step {step} : i64 {{"
        ));
        body(t, &n, rows);
        t.close("}");
        start = end;
    }
}

/// All rows of the range, for `count` tokens from `first` on.
fn all_rows(t: &mut Text, c: &Context, first: &Value, count: i64) {
    let (lo, hi) = (Value::named("lo"), Value::named("hi"));
    tiles(t, (&lo, &hi), c.schedule.rows, &mut |t, n, rows| {
        let weight = offset(t, &c.slots[1], n, c.row_bytes());
        let scale = (c.linear.format.group() > 0).then(|| widen_scales(t, c, n, rows));
        split(
            t,
            count,
            c.schedule.tokens as i64,
            &mut |t, token, tokens| {
                let whole = t.op(format_args!(
                    "arith.addi {first}, {token} overflow<nsw> : i64"
                ));
                let x = match &c.quantised {
                    Some(q) => offset(t, &q.values, token, q.row),
                    None => offset(t, &c.slots[0], &whole, c.x_row()),
                };
                let block = Block {
                    rows,
                    tokens: tokens as usize,
                    weight: &weight,
                    scale: scale.as_ref(),
                    x: &x,
                };
                let sums = inputs(t, c, &block);
                write_back(t, c, &block, &sums, (n, &whole));
            },
        );
    });
}

/// f32 scales of the tile's rows: in place, or on the stack.
fn widen_scales(t: &mut Text, c: &Context, n: &Value, rows: usize) -> Value {
    let (groups, lanes) = (c.linear.groups(), c.target.lanes());
    let dtype = c.linear.format.scale().unwrap_or(DType::F32);
    let from = offset(t, &c.slots[2], n, groups * dtype.bytes() as i64);
    let Some(to) = &c.scales else { return from };
    let row = c.scale_row();
    let part = |t: &mut Text, from: &Value, to: &Value, valid: usize| {
        for r in 0..rows as i64 {
            let source = at(t, from, r * groups * 2);
            let narrow = simd::load_first(t, &source, (valid, lanes), dtype);
            let wide = simd::to_f32(t, &narrow, lanes, dtype);
            let target = at(t, to, r * row);
            simd::store(t, &wide, &target, lanes, DType::F32);
        }
    };
    split(t, groups, lanes as i64, &mut |t, g, count| {
        let (from, to) = (offset(t, &from, g, 2), offset(t, to, g, 4));
        part(t, &from, &to, count as usize);
    });
    to.clone()
}

/// The loop over inputs: one vector of partial sums for each row and token, rows first.
fn inputs(t: &mut Text, c: &Context, block: &Block) -> Vec<Value> {
    let (k, step, count) = (c.linear.k, c.schedule.step, block.rows * block.tokens);
    let zero = simd::splat(t, "0.0", c.lanes());
    let mut sums = vec![zero; count];
    let steps = k / step;
    if steps > 0 {
        let (from, to, one) = (int(t, 0), int(t, steps), int(t, 1));
        let (i, results, carried) = (
            t.fresh(),
            t.fresh(),
            (0..count).map(|_| t.fresh()).collect::<Vec<_>>(),
        );
        let init: Vec<_> = carried
            .iter()
            .zip(&sums)
            .map(|(a, b)| format!("{a} = {b}"))
            .collect();
        let types = vec![ty(c.lanes(), DType::F32); count].join(", ");
        t.open(format_args!("{results}:{count} = scf.for {i} = {from} to {to} step {one} iter_args({}) -> ({types}) : i64 {{", init.join(", ")));
        let cursor = Cursor {
            weight: offset(t, block.weight, &i, step * c.linear.format.bits() / 8),
            x: offset(t, block.x, &i, step * x_bytes(c)),
            step: i,
        };
        prefetch(t, c, block, &cursor.step);
        let next = body(t, c, block, &cursor, carried, step);
        let next: Vec<_> = next.iter().map(Value::to_string).collect();
        t.line(format_args!("scf.yield {} : {types}", next.join(", ")));
        t.close("}");
        sums = (0..count)
            .map(|i| {
                Value::named(&format!(
                    "{}#{i}",
                    results.to_string().trim_start_matches('%')
                ))
            })
            .collect();
    }
    let done = steps * step;
    if done < k {
        let cursor = Cursor {
            weight: at(t, block.weight, done * c.linear.format.bits() / 8),
            x: at(t, block.x, done * x_bytes(c)),
            step: int(t, steps),
        };
        sums = body(t, c, block, &cursor, sums, k - done);
    }
    sums
}

fn x_bytes(c: &Context) -> i64 {
    c.quantised
        .as_ref()
        .map_or(c.linear.x.bytes() as i64, |_| 1)
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
        (Some(_), _) => dot::step(t, c, block, cursor, sums, inputs),
        (None, 0) => float::plain(t, c, block, cursor, sums, inputs as usize),
        (None, _) => float::grouped(t, c, block, cursor, sums),
    }
}

/// Rows lie one behind the other: a turn of the loop asks the second cache for as many lines as it reads, `prefetch` bytes ahead of where it
/// would be if it read them in order.
fn prefetch(t: &mut Text, c: &Context, block: &Block, step: &Value) {
    let bytes = block.rows as i64 * c.schedule.step * c.linear.format.bits() / 8;
    if c.schedule.prefetch == 0 || bytes < 64 {
        return;
    }
    let base = offset(t, block.weight, step, bytes);
    for line in 0..bytes / 64 {
        let line = at(t, &base, c.schedule.prefetch + 64 * line);
        t.line(format_args!("\"llvm.intr.prefetch\"({line}) <{{cache = 1 : i32, hint = 2 : i32, rw = 0 : i32}}> : (!llvm.ptr) -> ()"));
    }
}

/// Sums the lanes, applies a scale of the row, adds the bias, rounds and stores.
fn write_back(
    t: &mut Text,
    c: &Context,
    block: &Block,
    sums: &[Value],
    (n, token): (&Value, &Value),
) {
    let (linear, rows) = (c.linear, block.rows);
    let (bias_slot, y_slot) = linear.tail_slots();
    let vector = ty(rows, DType::F32);
    let mut per_row = |slot: usize, dtype: DType| {
        let p = offset(t, &c.slots[slot], n, dtype.bytes() as i64);
        let narrow = simd::load(t, &p, rows, dtype);
        simd::to_f32(t, &narrow, rows, dtype)
    };
    let scale = match linear.format {
        Format::I8 { group: 0, scale } => Some(per_row(2, scale)),
        _ => None,
    };
    let bias = linear.bias.map(|dtype| per_row(bias_slot, dtype));
    let size = linear.y.bytes() as i64;
    let y = offset(t, &c.slots[y_slot], token, linear.y_stride * size);
    let y = offset(t, &y, n, size);
    for m in 0..block.tokens {
        let row: Vec<_> = (0..rows)
            .map(|r| sums[r * block.tokens + m].clone())
            .collect();
        let sum = simd::sums(t, &row, c.lanes());
        let value = match (&scale, &bias) {
            (Some(s), Some(b)) => simd::fma(t, &sum, s, b, rows),
            (Some(s), None) => t.op(format_args!("arith.mulf {sum}, {s} : {vector}")),
            (None, Some(b)) => t.op(format_args!("arith.addf {sum}, {b} : {vector}")),
            (None, None) => sum,
        };
        let value = simd::from_f32(t, &value, rows, linear.y);
        let p = at(t, &y, m as i64 * linear.y_stride * size);
        simd::store(t, &value, &p, rows, linear.y);
    }
}
