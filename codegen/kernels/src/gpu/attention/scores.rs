//! Scores of a block of rows, and the weights made of them.

use super::operand::Operand;
use super::{Build, to_i64};
use crate::gpu::{Reduce, Visible, Writer};
use crate::{Function, Value};

impl Build<'_> {
    /// Stores the scores of rows `from .. end`: lane t those of rows t, t + lanes, ...
    pub(super) fn scores(&self, w: &mut Writer, (from, end): (&Value, &Value)) {
        self.each_row(w, (from, end), &[], |w, offset, _| {
            let row = w.add(from, offset);
            let scores = self.products(w, (from, end), &row);
            let scores = self.shown(w, (&row, end), scores);
            let at = w.mul(offset, self.plan.heads);
            for (i, score) in scores.iter().enumerate() {
                let at = w.add_const(&at, to_i64(i));
                w.shared_store(&self.weights, &at, score);
            }
            Vec::new()
        });
    }

    /// The largest of the scores that this lane stored, by head. (Kept apart from [`Build::scores`], which has no registers left.)
    pub(super) fn largest(&self, w: &mut Writer, range: (&Value, &Value)) -> Vec<Value> {
        let least = w.float(f32::NEG_INFINITY);
        let carried: Vec<(&str, Value)> = (0..self.plan.heads)
            .map(|_| ("f32", least.clone()))
            .collect();
        self.each_row(w, range, &carried, |w, offset, best| {
            let at = w.mul(offset, self.plan.heads);
            let mut next = Vec::new();
            for (i, best) in best.iter().enumerate() {
                let at = w.add_const(&at, to_i64(i));
                let score = w.shared_load(&self.weights, &at);
                next.push(w.join(Reduce::Max, best, &score));
            }
            next
        })
    }

    /// Turns the scores that this lane stored into weights: e^(score - reference).
    pub(super) fn weigh(&self, w: &mut Writer, range: (&Value, &Value), references: &[Value]) {
        self.each_row(w, range, &[], |w, offset, _| {
            let at = w.mul(offset, self.plan.heads);
            for (i, reference) in references.iter().enumerate() {
                let at = w.add_const(&at, to_i64(i));
                let score = w.shared_load(&self.weights, &at);
                let x = w.floats("subf", &score, reference);
                let weight = w.math("exp", &x);
                w.shared_store(&self.weights, &at, &weight);
            }
            Vec::new()
        });
    }

    /// A loop over this lane's rows of a range, counted from its first; the last round of a lane may be past the end.
    fn each_row(
        &self,
        w: &mut Writer,
        (from, end): (&Value, &Value),
        carried: &[(&str, Value)],
        body: impl FnOnce(&mut Writer, &Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let count = w.ints("subi", end, from);
        // Each lane takes as many rounds: a row past the end is scored -inf.
        let count = w.add_const(&count, self.plan.lanes - 1);
        let mask = w.int(-self.plan.lanes);
        let count = w.ints("andi", &count, &mask);
        let lane = w.lane();
        w.each((&lane, &count, self.plan.lanes), carried, body)
    }

    /// Products of q with the keys of a row, by head; of a row from `end` on those of some other row.
    fn products(&self, w: &mut Writer, (from, end): (&Value, &Value), row: &Value) -> Vec<Value> {
        let Some(own) = &self.own else {
            let last = w.add_const(end, -1);
            let row = w.ints("minsi", row, &last);
            return self.dots(w, 1, &row);
        };
        let zero = w.float(0.0);
        let none: Vec<(&str, Value)> = (0..self.plan.heads)
            .map(|_| ("f32", zero.clone()))
            .collect();
        let some = w.int_is("slt", from, own);
        let cached = w.when_else(&some, &none, |w| {
            let last = w.ints("minsi", end, own);
            let last = w.add_const(&last, -1);
            let row = w.ints("minsi", row, &last);
            self.dots(w, 1, &row)
        });
        let some = w.int_is("sgt", end, own);
        let others = w.when_else(&some, &none, |w| {
            let (first, last) = (w.int(0), w.ints("subi", end, own));
            let last = w.add_const(&last, -1);
            let row = w.ints("subi", row, own);
            let row = w.ints("maxsi", &row, &first);
            let row = w.ints("minsi", &row, &last);
            self.dots(w, 3, &row)
        });
        let is = w.int_is("slt", row, own);
        cached
            .iter()
            .zip(&others)
            .map(|(a, b)| w.choose(&is, a, b, "f32"))
            .collect()
    }

    /// Products of q with a row of binding `keys`, by head.
    fn dots(&self, w: &mut Writer, keys: usize, row: &Value) -> Vec<Value> {
        let (d, step, heads) = (self.a.d, self.plan.step, self.plan.heads);
        let keys = Operand::new(self, w, keys);
        let row = keys.row(w, row);
        let zero = w.float(0.0);
        let sums: Vec<(&str, Value)> = (0..heads).map(|_| ("f32", zero.clone())).collect();
        let (first, count) = (w.int(0), w.int(d / step));
        w.each((&first, &count, 1), &sums, |w, chunk, sums| {
            let mut sums = sums.to_vec();
            let loaded = keys.load(w, (&row, chunk), step);
            let each = step.min(4);
            for from in (0..step).step_by(each as usize) {
                let elements = keys.elements(w, &loaded, (from, each), self.a.k.dtype);
                for (head, sum) in (0..heads).zip(&mut sums) {
                    let q = self.query(w, head, chunk, from);
                    for (q, k) in q.iter().zip(&elements) {
                        *sum = w.fma(q, k, sum);
                    }
                }
            }
            sums
        })
    }

    /// Up to four elements of a head's q, from element `chunk * step + more` on.
    fn query(&self, w: &mut Writer, head: i64, chunk: &Value, more: i64) -> Vec<Value> {
        let step = self.plan.step;
        if step == 1 {
            let at = w.add_const(chunk, head * self.a.d);
            return vec![w.shared_load(&self.q, &at)];
        }
        let at = w.mul(chunk, step / 4);
        let at = w.add_const(&at, (head * self.a.d + more) / 4);
        w.shared_loads(&self.q, &at).to_vec()
    }

    /// The scores of a row after the bound and the mask; -inf from row `end` on.
    fn shown(
        &self,
        w: &mut Writer,
        (row, end): (&Value, &Value),
        scores: Vec<Value>,
    ) -> Vec<Value> {
        let least = w.float(f32::NEG_INFINITY);
        let mut is = w.int_is("slt", row, end);
        let mut mask = None;
        if let Visible::Mask(_) = self.a.visible {
            let binding = if self.a.new.is_some() { 5 } else { 3 };
            let last = w.add_const(end, -1);
            let row = w.ints("minsi", row, &last);
            let start = w.start(binding);
            let at = w.mul_add(&self.token, self.a.all_rows(), &start);
            let at = w.add(&at, &row);
            let value = w.load(binding, &at);
            let seen = w.float_is("une", &value, &least);
            is = w.op(format_args!("arith.andi {is}, {seen} : i1"));
            mask = Some(value);
        }
        let mut shown = Vec::new();
        for mut score in scores {
            if self.a.softcap > 0.0 {
                let (cap, part) = (w.float(self.a.softcap), w.float(1.0 / self.a.softcap));
                score = w.floats("mulf", &score, &part);
                score = w.apply(Function::Tanh, &score);
                score = w.floats("mulf", &score, &cap);
            }
            if let Some(mask) = &mask {
                score = w.floats("addf", &score, mask);
            }
            shown.push(w.choose(&is, &score, &least, "f32"));
        }
        shown
    }
}
