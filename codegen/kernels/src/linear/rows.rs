//! Weights `[N, K]`: the loops over rows, tokens and inputs that all formats share.

use super::simd::{self, at, int, offset};
use super::{Linear, STACK, across, dot, float, quantise, results, turns};
use crate::schedule::LinearSchedule;
use crate::{Activations, DType, KernelError, Target, Text, Value};

/// What the parts of a kernel's text share.
pub(super) struct Context<'a> {
    pub linear: &'a Linear,
    pub target: &'a Target,
    pub schedule: &'a LinearSchedule,
    /// One pointer a slot.
    pub slots: Vec<Value>,
    /// f32 scales of a tile's rows, one row behind the other, where they are not f32 in memory.
    pub scales: Option<Value>,
    /// Quantised activations.
    pub quantised: Option<quantise::Quantised>,
    /// First input of the first token as f32, `k` a token, where x is widened once a call.
    pub widened: Option<Value>,
    /// The values -8..7, where a register is a table of 16.
    pub table: Option<Value>,
}

/// Rows and tokens that are computed together.
pub(super) struct Block<'a> {
    pub rows: usize,
    pub tokens: usize,
    /// From a row to the next, in rows of the weight; `None`: they are neighbours.
    pub apart: Option<&'a Value>,
    /// First weight of the first row.
    pub weight: &'a Value,
    /// First f32 scale of the first row, if scales are per group.
    pub scale: Option<&'a Value>,
    /// First input of the first token; of the quantised ones where there are.
    pub x: &'a Value,
}

impl Context<'_> {
    /// Lanes of an accumulator.
    pub fn lanes(&self) -> usize {
        self.schedule
            .dot
            .map_or(self.target.lanes(), |_| dot::lanes(self.target))
    }

    /// Sums of a block, and the lanes of each.
    pub fn sums(&self, block: &Block) -> (usize, usize) {
        if self.schedule.across {
            (
                block.tokens * across::vectors(self, block),
                across::lanes(self, block),
            )
        } else {
            (block.rows * block.tokens, self.lanes())
        }
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

    /// Type of what [`Block::x`] points to.
    pub fn x(&self) -> DType {
        match (&self.quantised, &self.widened) {
            (Some(_), _) => DType::I8,
            (None, Some(_)) => DType::F32,
            (None, None) => self.linear.x,
        }
    }

    /// Bytes between two tokens of what [`Block::x`] points to.
    pub fn x_row(&self) -> i64 {
        match (&self.quantised, &self.widened) {
            (Some(q), _) => q.row,
            (None, Some(_)) => 4 * self.linear.k,
            (None, None) => self.linear.x_stride * self.linear.x.bytes() as i64,
        }
    }
}

impl Block<'_> {
    /// `pointer`, which points into row 0, moved to row `r`; `bytes` a row.
    pub fn row(&self, t: &mut Text, pointer: &Value, r: usize, bytes: i64) -> Value {
        row(t, self.apart, pointer, r, bytes)
    }

    /// The same, of scales.
    pub fn scale_row(&self, t: &mut Text, c: &Context, pointer: &Value, r: usize) -> Value {
        let apart = self.apart.filter(|_| c.scales.is_none());
        row(t, apart, pointer, r, c.scale_row())
    }
}

fn row(t: &mut Text, apart: Option<&Value>, pointer: &Value, r: usize, bytes: i64) -> Value {
    match apart {
        Some(apart) if r > 0 => offset(t, pointer, apart, r as i64 * bytes),
        _ => at(t, pointer, r as i64 * bytes),
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
        widened: None,
        table: None,
    };
    let mut stack = STACK;
    let moves = schedule.across || linear.format.scale() == Some(DType::F16);
    if linear.format.group() > 0 && moves {
        let bytes = 4 * schedule.rows as i64 * padded(linear.groups(), target.lanes());
        stack -= bytes;
        c.scales = Some(alloca(&mut t, bytes));
    }
    if schedule.widen {
        stack -= 4 * linear.m * linear.k;
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
    if schedule.widen {
        c.widened = Some(float::widen(&mut t, &c));
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

/// Writes what is done for a tile: its first row, how many, and how far apart.
type Tile<'a> = &'a mut dyn FnMut(&mut Text, &Value, usize, Option<&Value>);

/// `[lo, hi)` in tiles of `rows`, neighbours or (`apart`) each a share of the range from the next, and then of one.
pub(super) fn tiles(
    t: &mut Text,
    (lo, hi): (&Value, &Value),
    (rows, apart): (usize, bool),
    body: Tile,
) {
    let mut start = lo.clone();
    for rows in if rows == 1 { vec![1] } else { vec![rows, 1] } {
        let width = int(t, rows as i64);
        let length = t.op(format_args!("arith.subi {hi}, {start} overflow<nsw> : i64"));
        let count = t.op(format_args!("arith.divsi {length}, {width} : i64"));
        let length = t.op(format_args!(
            "arith.muli {count}, {width} overflow<nsw> : i64"
        ));
        let next = t.op(format_args!(
            "arith.addi {start}, {length} overflow<nsw> : i64"
        ));
        let apart = Some(&count).filter(|_| apart && rows > 1);
        let (step, end) = match apart {
            Some(count) => {
                let end = t.op(format_args!(
                    "arith.addi {start}, {count} overflow<nsw> : i64"
                ));
                (int(t, 1), end)
            }
            None => (width, next.clone()),
        };
        let n = t.fresh();
        t.open(format_args!(
            "scf.for {n} = {start} to {end} step {step} : i64 {{"
        ));
        body(t, &n, rows, apart);
        t.close("}");
        start = next;
    }
}

/// All rows of the range, for `count` tokens from `first` on.
fn all_rows(t: &mut Text, c: &Context, first: &Value, count: i64) {
    let (lo, hi) = (Value::named("lo"), Value::named("hi"));
    let tile = (c.schedule.rows, c.schedule.apart);
    tiles(t, (&lo, &hi), tile, &mut |t, n, rows, apart| {
        let weight = offset(t, &c.slots[1], n, c.row_bytes());
        let grouped = c.linear.format.group() > 0;
        let scale = grouped.then(|| {
            if c.schedule.across {
                across::scales(t, c, n, rows)
            } else {
                widen_scales(t, c, n, (rows, apart))
            }
        });
        split(
            t,
            count,
            c.schedule.tokens as i64,
            &mut |t, token, tokens| {
                let whole = t.op(format_args!(
                    "arith.addi {first}, {token} overflow<nsw> : i64"
                ));
                let x = match (&c.quantised, &c.widened) {
                    (Some(q), _) => offset(t, &q.values, token, q.row),
                    (None, x) => offset(t, x.as_ref().unwrap_or(&c.slots[0]), &whole, c.x_row()),
                };
                let block = Block {
                    rows,
                    tokens: tokens as usize,
                    apart,
                    weight: &weight,
                    scale: scale.as_ref(),
                    x: &x,
                };
                let sums = turns::inputs(t, c, &block);
                results::write_back(t, c, &block, &sums, (n, &whole));
            },
        );
    });
}

/// f32 scales of the tile's rows: in place, or on the stack.
pub(super) fn widen_scales(
    t: &mut Text,
    c: &Context,
    n: &Value,
    (rows, apart): (usize, Option<&Value>),
) -> Value {
    let (groups, lanes) = (c.linear.groups(), c.target.lanes());
    let dtype = c.linear.format.scale().unwrap_or(DType::F32);
    let size = dtype.bytes() as i64;
    let from = offset(t, &c.slots[2], n, groups * size);
    let Some(to) = &c.scales else { return from };
    let to_row = c.scale_row();
    let part = |t: &mut Text, from: &Value, to: &Value, valid: usize| {
        for r in 0..rows {
            let source = row(t, apart, from, r, groups * size);
            let narrow = simd::load_first(t, &source, (valid, lanes), dtype);
            let wide = simd::to_f32(t, &narrow, lanes, dtype);
            let target = at(t, to, r as i64 * to_row);
            simd::store(t, &wide, &target, lanes, DType::F32);
        }
    };
    split(t, groups, lanes as i64, &mut |t, g, count| {
        let (from, to) = (offset(t, &from, g, size), offset(t, to, g, 4));
        part(t, &from, &to, count as usize);
    });
    to.clone()
}
