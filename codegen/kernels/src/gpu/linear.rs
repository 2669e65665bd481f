//! Products of a few tokens with weights, with what comes before and after them.
//!
//! A workgroup computes some rows of one product: sets of lanes, each with rows of its own, share a row along K. Every lane adds its share of the
//! products in ascending order, one sum for each row and token; sums of lanes meet in workgroup memory, where each result is one
//! invocation's: it adds them, and finishes the row or pair of rows.

mod bind;
mod check;
mod columns;
mod dot;
mod finish;
mod float;
mod quantise;
mod rows;
mod schedule;
mod stage;

pub(super) use schedule::STAGED;
pub use schedule::{LinearSchedule, LinearTile, schedule, stage_fits};
pub(super) use stage::chunk;

use super::write::{Shared, Width};
use super::{Binding, Device, Emitted, LinearGroup, Part, Stage, Writer};
use crate::{Activations, Format, KernelError, Layout, Value};
use bind::{Slots, bind};
use check::products;

/// Rows that are finished together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    /// A row alone.
    One,
    /// Rows i and i + d/2 of a head.
    Half { d: i64 },
    /// Rows 2i and 2i + 1 of a head.
    Neighbours { d: i64 },
    /// A row of the part and the same row of the next part.
    Gated,
}

impl Pair {
    fn rows(self) -> i64 {
        if self == Pair::One { 1 } else { 2 }
    }
}

/// A part, with the next one if that is its factor.
#[derive(Clone, Copy, Debug)]
struct Product {
    part: usize,
    pair: Pair,
    /// Rows or pairs of rows.
    units: i64,
}

impl Product {
    /// The parts that it is made of.
    fn parts(&self) -> std::ops::RangeInclusive<usize> {
        self.part..=self.part + usize::from(self.pair == Pair::Gated)
    }
}

/// What the parts of a kernel's text have in common.
struct Context<'a> {
    group: &'a LinearGroup,
    device: &'a Device,
    schedule: &'a LinearSchedule,
    slots: &'a Slots,
    /// The first token of the workgroup, if it is not token 0.
    first: Option<Value>,
    activations: Staged,
}

/// Where activations are.
enum Staged {
    /// In their buffer.
    No,
    /// In workgroup memory: f32, per token K of them.
    Floats(Shared),
    /// In workgroup memory, as integers.
    Integers(quantise::Quantised),
}

pub(super) fn label(k: &LinearGroup) -> String {
    let format = k
        .parts
        .first()
        .map_or_else(String::new, |p| match p.format {
            Format::Dense {
                dtype,
                layout: Layout::OutIn,
            } => dtype.name().to_owned(),
            Format::Dense {
                dtype,
                layout: Layout::InOut,
            } => format!("{}_kn", dtype.name()),
            Format::I8 { group, .. } => format!("i8g{group}"),
            Format::I4 { group, .. } => format!("i4g{group}"),
        });
    let norm = if k.stage == Stage::Plain { "" } else { "norm_" };
    let dot = if k.activations == Activations::I8 {
        "_dot"
    } else {
        ""
    };
    let tokens = if k.m == 1 {
        String::new()
    } else {
        format!("_m{}", k.m)
    };
    format!(
        "{norm}linear{}_{}_{format}{dot}{tokens}",
        k.parts.len(),
        k.k
    )
}

pub(super) fn bindings(k: &LinearGroup) -> Vec<Binding> {
    bind(k).0
}

pub(super) fn emit(group: &LinearGroup, device: &Device) -> Result<Emitted, KernelError> {
    check::check(group)?;
    let schedule = schedule(group, device)?;
    let (products, (bindings, slots)) = (products(group)?, bind(group));
    let widths = widths(group, &schedule, &products, &slots, bindings.len());
    let bindings: Vec<_> = bindings.into_iter().zip(widths).collect();
    let mut w = Writer::new(device, schedule.workgroup, &bindings)?;
    let first = (schedule.token_tiles > 1).then(|| {
        let tile = w.group("y");
        w.mul(&tile, schedule.tokens)
    });
    let mut c = Context {
        group,
        device,
        schedule: &schedule,
        slots: &slots,
        first,
        activations: Staged::No,
    };
    let sums = w.shared("f32", schedule.sums());
    c.activations = stage::stage(&mut w, &c);
    let number = w.group("x");
    let total: i64 = schedule.tiles.iter().map(|t| t.groups).sum();
    let each = |w: &mut Writer, body: &mut dyn FnMut(&mut Writer, &Work)| {
        let mut from = 0;
        for (product, tile) in products.iter().zip(&schedule.tiles) {
            let to = from + tile.groups;
            let minus = w.add_const(&number, -from);
            let work = Work {
                product,
                tile,
                number: minus,
            };
            if tile.groups == total {
                body(w, &work);
            } else {
                let mine = within(w, &number, (from, to), total);
                w.when(&mine, |w| body(w, &work));
            }
            from = to;
        }
    };
    each(&mut w, &mut |w, work| {
        let values = if schedule::in_out(group, work.product) {
            columns::multiply(w, &c, work)
        } else {
            rows::multiply(w, &c, work)
        };
        Work::keep(w, &sums, &values);
    });
    w.barrier();
    each(&mut w, &mut |w, work| finish::finish(w, &c, work, &sums));
    w.finish([total, schedule.token_tiles, 1])
}

/// Whether `number` is in `from .. to`; it is below `total`.
fn within(w: &mut Writer, number: &Value, (from, to): (i64, i64), total: i64) -> Value {
    let below = w.int_is_const("ult", number, to);
    let above = w.int_is_const("uge", number, from);
    match (from, to) {
        (0, _) => below,
        (_, to) if to == total => above,
        _ => w.op(format_args!("arith.andi {below}, {above} : i1")),
    }
}

/// What one access of each binding takes.
fn widths(
    group: &LinearGroup,
    schedule: &LinearSchedule,
    products: &[Product],
    slots: &Slots,
    count: usize,
) -> Vec<Width> {
    let mut widths = vec![Width::One; count];
    widths[0] = schedule.x;
    for (product, tile) in products.iter().zip(&schedule.tiles) {
        for part in &slots.parts[product.parts()] {
            widths[part.weight] = tile.width;
        }
    }
    debug_assert_eq!(slots.parts.len(), group.parts.len());
    widths
}

/// One product's share of a workgroup.
struct Work<'a> {
    product: &'a Product,
    tile: &'a LinearTile,
    /// Which of the product's workgroups this is.
    number: Value,
}

impl Work<'_> {
    /// The first unit of set `set`, and the same so that all the set's units exist.
    fn unit(&self, w: &mut Writer, set: &Value) -> (Value, Value) {
        let LinearTile { sets, units, .. } = *self.tile;
        let set = w.mul_add(&self.number, sets, set);
        let nominal = w.mul(&set, units);
        if self.exact() {
            return (nominal.clone(), nominal);
        }
        let last = w.int(self.product.units - units);
        let unit = w.ints("minui", &nominal, &last);
        (nominal, unit)
    }

    /// Whether all sets of all workgroups have units of their own.
    fn exact(&self) -> bool {
        self.tile.groups * self.tile.sets * self.tile.units == self.product.units
    }

    /// The row of the first of a unit's rows; the second's distance.
    fn row(&self, w: &mut Writer, unit: &Value) -> (Value, i64) {
        match self.product.pair {
            Pair::One => (unit.clone(), 0),
            Pair::Gated => (unit.clone(), 0),
            Pair::Neighbours { .. } => (w.mul(unit, 2), 1),
            Pair::Half { d } => {
                let head = w.div(unit, d / 2);
                let before = w.mul(&head, d / 2);
                (w.add(unit, &before), d / 2)
            }
        }
    }

    /// Puts sums (unit-major, then row, then token) where [`finish::finish`] finds them: lane after lane for each.
    fn keep(w: &mut Writer, sums: &Shared, values: &[Value]) {
        let (lane, lanes) = (w.lane(), w.lanes());
        for (i, value) in values.iter().enumerate() {
            let at = w.add_const(&lane, i as i64 * lanes);
            w.shared_store(sums, &at, value);
        }
    }

    /// The first lane of a set, and the distance to the set's next.
    fn lanes(&self, w: &mut Writer, set: &Value) -> (Value, i64) {
        let LinearTile {
            lanes, sets, step, ..
        } = *self.tile;
        if step == 1 {
            (set.clone(), sets)
        } else {
            (w.mul(set, lanes), 1)
        }
    }

    /// A lane's set, and its number in the set. Lanes of no set do what the last set does.
    fn place(&self, w: &mut Writer, lane: &Value) -> (Value, Value) {
        let LinearTile {
            lanes, sets, step, ..
        } = *self.tile;
        if step == 1 {
            return (w.rem(lane, sets), w.div(lane, sets));
        }
        let (mut set, share) = (w.div(lane, lanes), w.rem(lane, lanes));
        if lanes * sets < w.lanes() {
            let last = w.int(sets - 1);
            set = w.ints("minui", &set, &last);
        }
        (set, share)
    }
}

impl Context<'_> {
    /// Token `t` of the workgroup's, one that exists: a base, and a distance from it in tokens.
    fn token(&self, w: &mut Writer, t: i64) -> (Option<Value>, i64) {
        let Some(first) = &self.first else {
            return (None, t);
        };
        if self.group.m % self.schedule.tokens == 0 {
            return (Some(first.clone()), t);
        }
        let (token, last) = (w.add_const(first, t), w.int(self.group.m - 1));
        (Some(w.ints("minui", &token, &last)), 0)
    }

    /// A total of `part` without the factor 16 that [`float`] leaves in products with 4-bit weights.
    fn unscaled(&self, w: &mut Writer, part: &Part, total: &Value) -> Value {
        if self.group.activations == Activations::I8 || !matches!(part.format, Format::I4 { .. }) {
            return total.clone();
        }
        let part = w.float(0.0625);
        w.floats("mulf", total, &part)
    }

    /// Where token `t`'s activations start, in accesses of their buffer: a base and a distance.
    fn x(&self, w: &mut Writer, t: i64) -> (Value, i64) {
        let stride = self.group.x.stride / w.per_access(0);
        let start = w.start(0);
        match self.token(w, t) {
            (None, t) => (start, t * stride),
            (Some(token), t) => (w.mul_add(&token, stride, &start), t * stride),
        }
    }
}
