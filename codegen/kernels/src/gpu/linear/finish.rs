//! What becomes of the sums: one invocation adds a result's, and finishes its row or pair of rows.

use super::{Context, LinearTile, Pair, Part, Shared, Work};
use crate::Value;
use crate::gpu::{Finish, Place, Writer};

/// Finishes all results of a workgroup.
pub(super) fn finish(w: &mut Writer, c: &Context, work: &Work, sums: &Shared) {
    let LinearTile {
        sets,
        units,
        rows,
        lanes,
        ..
    } = *work.tile;
    let tokens = c.schedule.tokens;
    w.each_of_lane(sets * units * tokens, &[], |w, item, _| {
        let (t, slot) = (w.div(item, sets * units), w.rem(item, sets * units));
        let (set, within) = (w.div(&slot, units), w.rem(&slot, units));
        let (nominal, first) = work.unit(w, &set);
        let unit = w.add(&first, &within);
        let token = c.first.as_ref().map_or(t.clone(), |first| w.add(first, &t));
        let (at, apart) = work.lanes(w, &set);
        let value = w.mul_add(&within, rows * tokens, &t);
        let all = w.lanes();
        let at = w.mul_add(&value, all, &at);
        let valid = valid(w, c, work, (&nominal, &unit), &token);
        let body = |w: &mut Writer| {
            let result = Result {
                c,
                work,
                unit,
                token,
            };
            let totals =
                (0..rows).map(|row| total(w, sums, &at, (row * tokens * all, lanes, apart)));
            let totals: Vec<Value> = totals.collect();
            result.finish(w, &totals);
        };
        match valid {
            None => body(w),
            Some(valid) => w.when(&valid, body),
        }
        Vec::new()
    });
}

/// Whether a result is this invocation's to store; none if it always is.
fn valid(
    w: &mut Writer,
    c: &Context,
    work: &Work,
    (nominal, unit): (&Value, &Value),
    token: &Value,
) -> Option<Value> {
    let unit = (!work.exact()).then(|| w.int_is("uge", unit, nominal));
    let some = c.first.is_some() && c.group.m % c.schedule.tokens != 0;
    let token = some.then(|| w.int_is_const("ult", token, c.group.m));
    match (unit, token) {
        (Some(unit), Some(token)) => Some(w.op(format_args!("arith.andi {unit}, {token} : i1"))),
        (unit, token) => unit.or(token),
    }
}

/// `count` numbers, `apart` of each other, from `at + plus` on; neighbours first.
fn total(
    w: &mut Writer,
    sums: &Shared,
    at: &Value,
    (plus, count, apart): (i64, i64, i64),
) -> Value {
    let mut parts: Vec<Value> = (0..count)
        .map(|i| {
            let at = w.add_const(at, plus + i * apart);
            w.shared_load(sums, &at)
        })
        .collect();
    while parts.len() > 1 {
        let add = |pair: &[Value]| match pair {
            [a, b] => w.floats("addf", a, b),
            rest => rest[0].clone(),
        };
        parts = parts.chunks(2).map(add).collect();
    }
    parts.swap_remove(0)
}

/// A unit of a token.
struct Result<'a> {
    c: &'a Context<'a>,
    work: &'a Work<'a>,
    unit: Value,
    token: Value,
}

impl Result<'_> {
    fn finish(&self, w: &mut Writer, totals: &[Value]) {
        let (row, distance) = self.work.row(w, &self.unit);
        let product = self.work.product;
        let part = &self.c.group.parts[product.part];
        let slots = &self.c.slots.parts[product.part];
        let mut values = Vec::new();
        for (i, total) in totals.iter().enumerate() {
            let part = product.part + if product.pair == Pair::Gated { i } else { 0 };
            let row = w.add_const(&row, i as i64 * distance);
            let value = self.scaled(w, part, &row, total);
            values.push(w.rounded(self.c.group.parts[part].round, &value));
        }
        match &part.finish {
            Finish::Store { add, to } => {
                let value = match add {
                    None => values[0].clone(),
                    Some(rows) => {
                        let start = w.start(slots.finish);
                        let at = w.mul_add(&self.token, rows.stride, &start);
                        let at = w.add(&at, &row);
                        let residual = w.load(slots.finish, &at);
                        w.floats("addf", &residual, &values[0])
                    }
                };
                self.store(
                    w,
                    (slots.finish + usize::from(add.is_some()), to),
                    (part, &row),
                    &[value],
                );
            }
            Finish::Rope { to, .. } => {
                let values = self.rotated(w, slots.finish, to, &row, &values);
                self.store(w, (slots.finish + 2, to), (part, &row), &values);
            }
            Finish::Activate { function, to, .. } => {
                let mut value = w.apply(*function, &values[0]);
                if let Some(up) = values.get(1) {
                    value = w.floats("mulf", &value, up);
                }
                self.store(w, (slots.finish, to), (part, &row), &[value]);
            }
            Finish::Up => {}
        }
    }

    /// The scale of a row, and the bias.
    fn scaled(&self, w: &mut Writer, part: usize, row: &Value, total: &Value) -> Value {
        let (slots, part) = (&self.c.slots.parts[part], &self.c.group.parts[part]);
        let load = |w: &mut Writer, buffer: usize| {
            let start = w.start(buffer);
            let at = w.add(&start, row);
            w.load(buffer, &at)
        };
        let scale = (part.format.scale().is_some() && part.format.group() == 0)
            .then(|| load(w, slots.scale));
        let bias = part.bias.map(|_| load(w, slots.bias));
        let total = &self.c.unscaled(w, part, total);
        match (scale, bias) {
            (Some(scale), Some(bias)) => w.fma(total, &scale, &bias),
            (Some(scale), None) => w.floats("mulf", total, &scale),
            (None, Some(bias)) => w.floats("addf", total, &bias),
            (None, None) => total.clone(),
        }
    }

    /// a cos - b sin, b cos + a sin.
    fn rotated(
        &self,
        w: &mut Writer,
        buffer: usize,
        to: &Place,
        row: &Value,
        pair: &[Value],
    ) -> Vec<Value> {
        let mut angle = w.rem(row, to.d);
        if matches!(self.work.product.pair, Pair::Neighbours { .. }) {
            angle = w.div(&angle, 2);
        }
        let angle = w.mul_add(&self.token, to.d / 2, &angle);
        let load = |w: &mut Writer, buffer: usize| {
            let start = w.start(buffer);
            let at = w.add(&start, &angle);
            w.load(buffer, &at)
        };
        let (cos, sin) = (load(w, buffer), load(w, buffer + 1));
        let (a, b) = (&pair[0], &pair[1]);
        let product = w.floats("mulf", b, &sin);
        let minus = w.negate(&product);
        let first = w.fma(a, &cos, &minus);
        let product = w.floats("mulf", b, &cos);
        vec![first, w.fma(a, &sin, &product)]
    }

    /// Stores the rows of a unit.
    fn store(
        &self,
        w: &mut Writer,
        (buffer, to): (usize, &Place),
        (part, row): (&Part, &Value),
        values: &[Value],
    ) {
        let mut token = self.token.clone();
        if let Some(at) = &to.at {
            let at = w.expr(at, self.c.slots.scalars);
            let (zero, last) = (w.int(0), w.int(to.capacity - self.c.group.m));
            let at = w.ints("maxsi", &at, &zero);
            let at = w.ints("minsi", &at, &last);
            token = w.add(&token, &at);
        }
        let start = w.start(buffer);
        let at = w.mul_add(&token, to.token, &start);
        let at = if to.d == part.n {
            w.add(&at, row)
        } else {
            let (head, within) = (w.div(row, to.d), w.rem(row, to.d));
            let at = w.mul_add(&head, to.head, &at);
            w.add(&at, &within)
        };
        let (_, distance) = self.work.row(w, &self.unit);
        for (i, value) in values.iter().enumerate() {
            let at = w.add_const(&at, i as i64 * distance);
            w.store(buffer, &at, value);
        }
    }
}
