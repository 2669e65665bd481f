//! Weights `[K, N]`: vectors of outputs side by side, one fused multiply-add per input and output.

use super::Linear;
use super::rows::{slots, split};
use super::simd::{self, at, int, offset, ty};
use crate::schedule::LinearSchedule;
use crate::{Arch, DType, Format, Target, Text, Value};

/// Outputs of a unit.
pub(super) const UNIT: i64 = 16;

struct Context<'a> {
    linear: &'a Linear,
    target: &'a Target,
    schedule: &'a LinearSchedule,
    slots: Vec<Value>,
    weight: DType,
}

/// Columns that are computed together: `vectors` of them, of the last one `valid`.
#[derive(Clone, Copy)]
struct Tile<'a> {
    first: &'a Value,
    vectors: usize,
    valid: usize,
    tokens: usize,
}

impl Tile<'_> {
    fn valid(&self, vector: usize, lanes: usize) -> (usize, usize) {
        (
            if vector + 1 == self.vectors {
                self.valid
            } else {
                lanes
            },
            lanes,
        )
    }
}

/// The kernel's text.
pub(super) fn emit(linear: &Linear, target: &Target, schedule: &LinearSchedule) -> String {
    use crate::Emit as _;
    let weight = match linear.format {
        Format::Dense { dtype, .. } => dtype,
        _ => DType::I8,
    };
    let mut t = Text::new();
    t.open(format_args!(
        "func.func private @{}(%args: !llvm.ptr, %lo: i64, %hi: i64) {{",
        linear.name()
    ));
    let slots = slots(&mut t, linear.slots().len());
    let c = Context {
        linear,
        target,
        schedule,
        slots,
        weight,
    };
    columns(&mut t, &c);
    t.line("return");
    t.close("}");
    t.finish()
}

/// Full tiles, then single units, then what is left of the last unit.
fn columns(t: &mut Text, c: &Context) {
    let lanes = c.target.lanes();
    let per_unit = (UNIT as usize / lanes).max(1);
    let (full, rest) = (int(t, c.linear.n / UNIT), (c.linear.n % UNIT) as usize);
    let end = t.op(format_args!("arith.minsi %hi, {full} : i64"));
    let mut start = Value::named("lo");
    let wide = c.schedule.rows / per_unit;
    for units in if wide > 1 { vec![wide, 1] } else { vec![1] } {
        let step = int(t, units as i64);
        let room = t.op(format_args!(
            "arith.subi {end}, {start} overflow<nsw> : i64"
        ));
        let count = t.op(format_args!("arith.divsi {room}, {step} : i64"));
        let room = t.op(format_args!(
            "arith.muli {count}, {step} overflow<nsw> : i64"
        ));
        let stop = t.op(format_args!(
            "arith.addi {start}, {room} overflow<nsw> : i64"
        ));
        let u = t.fresh();
        t.open(format_args!(
            "scf.for {u} = {start} to {stop} step {step} : i64 {{"
        ));
        all_tokens(t, c, &u, units * per_unit, lanes);
        t.close("}");
        start = stop;
    }
    if rest > 0 {
        let last = t.op(format_args!("arith.cmpi sgt, %hi, {full} : i64"));
        t.open(format_args!("scf.if {last} {{"));
        all_tokens(t, c, &full, rest.div_ceil(lanes), (rest - 1) % lanes + 1);
        t.close("}");
    }
}

fn all_tokens(t: &mut Text, c: &Context, unit: &Value, vectors: usize, valid: usize) {
    let width = int(t, UNIT);
    let first = t.op(format_args!(
        "arith.muli {unit}, {width} overflow<nsw> : i64"
    ));
    split(
        t,
        c.linear.m,
        c.schedule.tokens as i64,
        &mut |t, token, tokens| {
            let tile = Tile {
                first: &first,
                vectors,
                valid,
                tokens: tokens as usize,
            };
            let x_size = c.linear.x.bytes() as i64;
            let x = offset(t, &c.slots[0], token, c.linear.x_stride * x_size);
            let w = offset(t, &c.slots[1], &first, c.weight.bytes() as i64);
            let sums = inputs(t, c, tile, &x, &w);
            write_back(t, c, tile, &sums, token);
        },
    );
}

/// The loop over inputs; sums by token, then vector.
fn inputs(t: &mut Text, c: &Context, tile: Tile, x: &Value, w: &Value) -> Vec<Value> {
    let (k, step, count) = (c.linear.k, c.schedule.step, tile.vectors * tile.tokens);
    let zero = simd::splat(t, "0.0", c.target.lanes());
    let mut sums = vec![zero; count];
    let row = c.linear.n * c.weight.bytes() as i64;
    let full = k / step * step;
    if full > 0 {
        let (from, to, by) = (int(t, 0), int(t, full), int(t, step));
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
        let types = vec![ty(c.target.lanes(), DType::F32); count].join(", ");
        t.open(format_args!("{results}:{count} = scf.for {i} = {from} to {to} step {by} iter_args({}) -> ({types}) : i64 {{", init.join(", ")));
        let (w, x) = (
            offset(t, w, &i, row),
            offset(t, x, &i, c.linear.x.bytes() as i64),
        );
        let next = body(t, c, tile, (&x, &w), carried, step as usize);
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
    if full < k {
        let (w, x) = (
            at(t, w, full * row),
            at(t, x, full * c.linear.x.bytes() as i64),
        );
        sums = body(t, c, tile, (&x, &w), sums, (k - full) as usize);
    }
    sums
}

/// `inputs` inputs: sum += w[k, n..] * x[m, k].
fn body(
    t: &mut Text,
    c: &Context,
    tile: Tile,
    (x, w): (&Value, &Value),
    mut sums: Vec<Value>,
    inputs: usize,
) -> Vec<Value> {
    let (lanes, size) = (c.target.lanes(), c.weight.bytes() as i64);
    let row = c.linear.n * size;
    let pointers: Vec<_> = (0..tile.tokens)
        .map(|m| {
            at(
                t,
                x,
                m as i64 * c.linear.x_stride * c.linear.x.bytes() as i64,
            )
        })
        .collect();
    let x: Vec<_> = pointers
        .iter()
        .map(|p| Numbers::load(t, c, p, inputs))
        .collect();
    for k in 0..inputs {
        let w = at(t, w, k as i64 * row);
        prefetch(t, c, tile, &w);
        let x: Vec<_> = x.iter().map(|x| x.splat(t, k, lanes)).collect();
        for v in 0..tile.vectors {
            let p = at(t, &w, (v * lanes) as i64 * size);
            let narrow = simd::load_first(t, &p, tile.valid(v, lanes), c.weight);
            let wide = simd::to_f32(t, &narrow, lanes, c.weight);
            for (m, x) in x.iter().enumerate() {
                let sum = &mut sums[m * tile.vectors + v];
                *sum = simd::fma(t, &wide, x, sum, lanes);
            }
        }
    }
    sums
}

/// Some numbers of one token's x.
enum Numbers {
    /// In memory, f32: x86 takes them from there into all lanes.
    Memory(Value),
    /// In a vector of so many f32.
    Vector(Value, usize),
}

impl Numbers {
    fn load(t: &mut Text, c: &Context, pointer: &Value, inputs: usize) -> Numbers {
        if c.target.arch == Arch::X86_64 && c.linear.x == DType::F32 {
            return Numbers::Memory(pointer.clone());
        }
        let narrow = simd::load(t, pointer, inputs, c.linear.x);
        Numbers::Vector(simd::to_f32(t, &narrow, inputs, c.linear.x), inputs)
    }

    /// Number `k` in all lanes.
    fn splat(&self, t: &mut Text, k: usize, lanes: usize) -> Value {
        match self {
            Numbers::Memory(pointer) => {
                let p = at(t, pointer, 4 * k as i64);
                simd::load_splat(t, &p, lanes)
            }
            Numbers::Vector(all, inputs) => {
                let one = t.op(format_args!(
                    "vector.extract {all}[{k}] : f32 from {}",
                    ty(*inputs, DType::F32)
                ));
                t.op(format_args!(
                    "vector.broadcast {one} : f32 to {}",
                    ty(lanes, DType::F32)
                ))
            }
        }
    }
}

/// Asks for the tile's part of a later row of the weight.
fn prefetch(t: &mut Text, c: &Context, tile: Tile, row: &Value) {
    if c.schedule.prefetch == 0 {
        return;
    }
    let size = c.weight.bytes() as i64;
    let width = (tile.vectors * c.target.lanes()) as i64 * size;
    let ahead = (c.schedule.prefetch / width).max(1) * c.linear.n * size;
    for line in (0..width).step_by(64) {
        let line = at(t, row, ahead + line);
        t.line(format_args!("\"llvm.intr.prefetch\"({line}) <{{cache = 1 : i32, hint = 3 : i32, rw = 0 : i32}}> : (!llvm.ptr) -> ()"));
    }
}

fn write_back(t: &mut Text, c: &Context, tile: Tile, sums: &[Value], token: &Value) {
    let (lanes, linear) = (c.target.lanes(), c.linear);
    let (bias_slot, y_slot) = linear.tail_slots();
    let size = linear.y.bytes() as i64;
    let y = offset(t, &c.slots[y_slot], token, linear.y_stride * size);
    let y = offset(t, &y, tile.first, size);
    for v in 0..tile.vectors {
        let start = (v * lanes) as i64;
        let bias = linear.bias.map(|dtype| {
            let p = offset(t, &c.slots[bias_slot], tile.first, dtype.bytes() as i64);
            let p = at(t, &p, start * dtype.bytes() as i64);
            let narrow = simd::load_first(t, &p, tile.valid(v, lanes), dtype);
            simd::to_f32(t, &narrow, lanes, dtype)
        });
        for m in 0..tile.tokens {
            let sum = &sums[m * tile.vectors + v];
            let value = match &bias {
                Some(b) => t.op(format_args!(
                    "arith.addf {sum}, {b} : {}",
                    ty(lanes, DType::F32)
                )),
                None => sum.clone(),
            };
            let value = simd::from_f32(t, &value, lanes, linear.y);
            let p = at(t, &y, m as i64 * linear.y_stride * size + start * size);
            simd::store_first(t, &value, &p, tile.valid(v, lanes), linear.y);
        }
    }
}
