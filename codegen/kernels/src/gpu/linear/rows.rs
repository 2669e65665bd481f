//! Weights `[N, K]`: sets of lanes take their rows step by step.

use super::bind::groups;
use super::{Context, Pair, Staged, Width, Work, dot, float};
use crate::gpu::Writer;
use crate::{Format, Value};

/// The rows of a lane: where they are.
pub(super) struct LaneRows {
    pub format: Format,
    /// Units times rows of a unit.
    pub rows: Vec<LaneRow>,
    /// Starts of the first unit's rows: buffer, first access of the weight; buffer, first scale.
    pub bases: Vec<(usize, Value, usize, Value)>,
    /// Whether an access is 16 bytes.
    pub wide: bool,
    /// Elements of a step.
    pub step: i64,
    /// Accesses of the weight that a step takes.
    pub accesses: i64,
    /// Elements of K that one access takes.
    pub per_access: i64,
}

/// One of them.
pub(super) struct LaneRow {
    /// Which of the bases.
    pub base: usize,
    /// Accesses of the weight from there.
    pub weight: i64,
    /// Scales from there.
    pub scale: i64,
}

impl LaneRows {
    fn new(w: &mut Writer, c: &Context, work: &Work, set: &Value) -> Self {
        let parts = &c.slots.parts[work.product.parts()];
        let format = c.group.parts[work.product.part].format;
        let packed = if matches!(format, Format::I4 { .. }) {
            2
        } else {
            1
        };
        let per_access = w.per_access(parts[0].weight) * packed;
        let (length, scales) = (c.group.k / per_access, groups(c.group.k, format));
        let (_, unit) = work.unit(w, set);
        let (row, distance) = work.row(w, &unit);
        let bases = parts
            .iter()
            .map(|p| {
                let (weight, scale) = (w.start(p.weight), w.start(p.scale));
                let weight = w.mul_add(&row, length, &weight);
                (p.weight, weight, p.scale, w.mul_add(&row, scales, &scale))
            })
            .collect();
        let apart = if matches!(work.product.pair, Pair::Neighbours { .. }) {
            2
        } else {
            1
        };
        let mut rows = Vec::new();
        for unit in 0..work.tile.units {
            for member in 0..work.tile.rows {
                let base = if work.product.pair == Pair::Gated {
                    member as usize
                } else {
                    0
                };
                let row = unit * apart + member * distance;
                rows.push(LaneRow {
                    base,
                    weight: row * length,
                    scale: row * scales,
                });
            }
        }
        let (step, wide) = (work.tile.step, work.tile.width == Width::Sixteen);
        LaneRows {
            format,
            rows,
            bases,
            wide,
            step,
            accesses: step / per_access,
            per_access,
        }
    }

    /// Where each base's weights of step `step` start.
    pub fn at(&self, w: &mut Writer, step: &Value) -> Vec<Value> {
        let offset = w.mul(step, self.accesses);
        self.bases
            .iter()
            .map(|(_, weight, ..)| w.add(weight, &offset))
            .collect()
    }

    /// Where each base's scales of step `step` start; none where a row has one.
    pub fn scales(&self, w: &mut Writer, step: &Value) -> Option<Vec<Value>> {
        let group = self.format.group();
        if group == 0 {
            return None;
        }
        let offset = w.div(step, group / self.step);
        Some(
            self.bases
                .iter()
                .map(|(.., scale)| w.add(scale, &offset))
                .collect(),
        )
    }

    /// The scale of row `r`.
    pub fn scale(&self, w: &mut Writer, at: &[Value], r: usize) -> Value {
        let row = &self.rows[r];
        let at = w.add_const(&at[row.base], row.scale);
        w.load(self.bases[row.base].2, &at)
    }
}

/// This lane's sums: for each unit, row of it and token.
pub(super) fn multiply(w: &mut Writer, c: &Context, work: &Work) -> Vec<Value> {
    let lane = w.lane();
    let (set, share) = work.place(w, &lane);
    let rows = LaneRows::new(w, c, work, &set);
    let zero = w.float(0.0);
    let sums = vec![("f32", zero); rows.rows.len() * c.schedule.tokens as usize];
    let xs = match &c.activations {
        Staged::Integers(_) => None,
        _ => Some(float::Inputs::new(w, c, rows.step)),
    };
    let one = |w: &mut Writer, step: &Value, count: i64, sums: &[Value]| match (&xs, &c.activations)
    {
        (None, Staged::Integers(q)) => dot::step(w, q, &rows, (step, count), sums),
        (Some(xs), _) => float::step(w, xs, &rows, (step, count), sums),
        (None, _) => sums.to_vec(),
    };
    let (steps, rest, lanes) = (
        c.group.k / rows.step,
        c.group.k % rows.step,
        work.tile.lanes,
    );
    let mut values: Vec<Value> = sums.iter().map(|(_, zero)| zero.clone()).collect();
    if steps == lanes {
        values = one(w, &share, rows.step, &values);
    } else if steps > 0 {
        let to = w.int(steps);
        values = w.each(
            (&share, &to, lanes * work.tile.unroll),
            &sums,
            |w, i, sums| {
                let mut sums = sums.to_vec();
                for turn in 0..work.tile.unroll {
                    let step = w.add_const(i, turn * lanes);
                    sums = one(w, &step, rows.step, &sums);
                }
                sums
            },
        );
    }
    if rest > 0 {
        let last = w.int_is_const("eq", &share, steps % lanes);
        let before: Vec<_> = values.iter().map(|v| ("f32", v.clone())).collect();
        values = w.when_else(&last, &before, |w| {
            let step = w.int(steps);
            one(w, &step, rest, &values)
        });
    }
    values
}
