//! Sums of values times weights, and the results.

use super::Build;
use super::operand::Operand;
use crate::Value;
use crate::gpu::Writer;

/// What a lane sums: one chunk of some heads.
struct Slot {
    /// Which team the lane is in.
    team: Value,
    /// Which chunk of the rows it takes.
    chunk: Value,
    /// Which heads: `part * held ..`.
    part: Value,
    /// Where its sums are kept.
    state: Value,
}

impl Build<'_> {
    /// Sets the running sums to zero.
    pub(super) fn clear(&self, w: &mut Writer) {
        let (zero, lane) = (w.float(0.0), w.lane());
        let four = [0; 4].map(|_| zero.clone());
        for i in 0..self.plan.slots(self.a.d) * self.plan.state() {
            let at = w.add_const(&lane, i * self.plan.lanes);
            w.shared_stores(&self.state, &at, &four);
        }
    }

    /// `body` for each slot of this lane; only the first team's lanes if `one_team`.
    fn slots(&self, w: &mut Writer, one_team: bool, mut body: impl FnMut(&mut Writer, &Slot)) {
        let (plan, team) = (&self.plan, self.plan.team(self.a.d));
        let used = if one_team { team } else { team * plan.teams };
        for i in 0..plan.slots(self.a.d) {
            let lane = w.lane();
            let item = w.add_const(&lane, i * plan.lanes);
            let state = w.mul(&item, plan.state());
            let mut run = |w: &mut Writer| {
                let (team_of, within) = if plan.teams == 1 || one_team {
                    (w.int(0), item.clone())
                } else {
                    (w.div(&item, team), w.rem(&item, team))
                };
                let slot = Slot {
                    team: team_of,
                    chunk: w.div(&within, plan.parts),
                    part: w.rem(&within, plan.parts),
                    state: state.clone(),
                };
                body(w, &slot);
            };
            if used >= (i + 1) * plan.lanes {
                run(w);
            } else {
                let inside = w.int_is_const("slt", &item, used);
                w.when(&inside, run);
            }
        }
    }

    /// Adds the rows `from .. end` to the running sums, which are scaled by `factors` first.
    pub(super) fn add(&self, w: &mut Writer, (from, end): (&Value, &Value), factors: &[Value]) {
        self.slots(w, false, |w, slot| {
            let factors: Vec<Value> = (0..self.plan.held)
                .map(|i| self.of_part(w, slot, i, factors))
                .collect();
            let mut sums = self.load_state(w, &slot.state);
            for (sum, head) in sums.iter_mut().zip(self.heads_of_sums()) {
                *sum = w.floats("mulf", sum, &factors[head]);
            }
            let first = w.add(from, &slot.team);
            let sums = match &self.own {
                Some(own) => {
                    let split = w.ints("minsi", end, own);
                    let zero = w.int(0);
                    let sums = self.rows(w, (2, slot), (from, &zero), (&first, &split), &sums);
                    let left = w.ints("subi", &split, &first);
                    let left = w.ints("maxsi", &left, &zero);
                    let left = w.add_const(&left, self.plan.teams - 1);
                    let steps = w.div(&left, self.plan.teams);
                    let first = w.mul_add(&steps, self.plan.teams, &first);
                    self.rows(w, (4, slot), (from, own), (&first, end), &sums)
                }
                None => {
                    let zero = w.int(0);
                    self.rows(w, (2, slot), (from, &zero), (&first, end), &sums)
                }
            };
            self.store_state(w, &slot.state, &sums);
        });
    }

    /// Rows `first .. end`, `teams` apart, of a binding whose first row has number `zero`, in a block from `from` on.
    fn rows(
        &self,
        w: &mut Writer,
        (values, slot): (usize, &Slot),
        (from, zero): (&Value, &Value),
        (first, end): (&Value, &Value),
        sums: &[Value],
    ) -> Vec<Value> {
        let carried: Vec<(&str, Value)> = sums.iter().map(|sum| ("f32", sum.clone())).collect();
        let (chunk, held) = (self.plan.chunk, self.plan.held);
        let values = Operand::new(self, w, values);
        let head = w.mul(&slot.part, held);
        w.each((first, end, self.plan.teams), &carried, |w, row, sums| {
            let offset = w.ints("subi", row, from);
            let row = w.ints("subi", row, zero);
            let row = values.row(w, &row);
            let loaded = values.load(w, (&row, &slot.chunk), chunk);
            let at = w.mul_add(&offset, self.plan.heads, &head);
            let mut next = sums.to_vec();
            let mut weights = Vec::new();
            for i in 0..held {
                let at = w.add_const(&at, i);
                weights.push(w.shared_load(&self.weights, &at));
            }
            let each = chunk.min(2);
            for from in (0..chunk).step_by(each as usize) {
                let elements = values.elements(w, &loaded, (from, each), self.a.v.dtype);
                for (i, weight) in weights.iter().enumerate() {
                    for (j, element) in elements.iter().enumerate() {
                        let sum = &mut next[i * chunk as usize + from as usize + j];
                        *sum = w.fma(weight, element, sum);
                    }
                }
            }
            for (weight, sum) in weights.iter().zip(&mut next[(held * chunk) as usize..]) {
                *sum = w.floats("addf", sum, weight);
            }
            next
        })
    }

    /// Of a value per head, that of the slot's `i`-th head.
    fn of_part(&self, w: &mut Writer, slot: &Slot, i: i64, values: &[Value]) -> Value {
        let options: Vec<Value> = (0..self.plan.parts)
            .map(|part| {
                values[((part * self.plan.held + i) as usize).min(values.len() - 1)].clone()
            })
            .collect();
        select(w, &slot.part, &options)
    }

    /// For each sum of a slot which of its heads it belongs to: elements by head, then sums of weights by head.
    fn heads_of_sums(&self) -> impl Iterator<Item = usize> {
        let (held, chunk) = (self.plan.held as usize, self.plan.chunk as usize);
        (0..held)
            .flat_map(move |head| std::iter::repeat_n(head, chunk))
            .chain(0..held)
    }

    fn load_state(&self, w: &mut Writer, at: &Value) -> Vec<Value> {
        let count = self.heads_of_sums().count();
        let mut sums = Vec::new();
        for i in 0..self.plan.state() {
            let at = w.add_const(at, i);
            sums.extend(w.shared_loads(&self.state, &at));
        }
        sums.truncate(count);
        sums
    }

    fn store_state(&self, w: &mut Writer, at: &Value, sums: &[Value]) {
        for (i, some) in sums.chunks(4).enumerate() {
            let at = w.add_const(at, super::to_i64(i));
            let four = [0, 1, 2, 3].map(|j| some.get(j).unwrap_or(&some[0]).clone());
            w.shared_stores(&self.state, &at, &four);
        }
    }

    /// Adds the teams' sums up.
    fn gather(&self, w: &mut Writer) {
        let count = self.plan.team(self.a.d) * self.plan.state();
        if self.plan.teams == 1 {
            return;
        }
        w.each_of_lane(count, &[], |w, i, _| {
            let mut sums = w.shared_loads(&self.state, i);
            for team in 1..self.plan.teams {
                let at = w.add_const(i, team * count);
                let more = w.shared_loads(&self.state, &at);
                for (sum, more) in sums.iter_mut().zip(&more) {
                    *sum = w.floats("addf", sum, more);
                }
            }
            w.shared_stores(&self.state, i, &sums);
            Vec::new()
        });
        w.barrier();
    }

    /// Stores the results: y, or the partial sums, maxima and sums of weights of a split.
    pub(super) fn results(&self, w: &mut Writer) {
        self.gather(w);
        self.slots(w, true, |w, slot| {
            let sums = self.load_state(w, &slot.state);
            for i in 0..self.plan.held {
                let first = w.mul(&slot.part, self.plan.held);
                let head = w.add_const(&first, i);
                let (from, weight) = (
                    (i * self.plan.chunk) as usize,
                    self.plan.held * self.plan.chunk + i,
                );
                let of_head = (
                    &sums[from..from + self.plan.chunk as usize],
                    &sums[weight as usize],
                );
                if self.plan.heads % self.plan.held == 0 {
                    self.store(w, slot, &head, of_head);
                } else {
                    let is = w.int_is_const("slt", &head, self.plan.heads);
                    w.when(&is, |w| self.store(w, slot, &head, of_head));
                }
            }
        });
    }

    /// Stores a slot's elements of one head of the workgroup; `weight` is the sum of the weights.
    fn store(
        &self,
        w: &mut Writer,
        slot: &Slot,
        index: &Value,
        (elements, weight): (&[Value], &Value),
    ) {
        let a = self.a;
        let b = if a.new.is_some() { 5 } else { 3 }
            + usize::from(matches!(a.visible, super::Visible::Mask(_)));
        let start = w.start(b);
        let row = if a.split.is_some() {
            let row = w.mul_add(&self.split, a.m, &self.token);
            let row = w.mul_add(&row, a.heads, index);
            let row = w.mul_add(&self.group, self.plan.heads, &row);
            w.mul_add(&row, a.d + 2, &start)
        } else {
            let row = w.mul_add(&self.group, self.plan.heads * a.y.head, &start);
            let row = w.mul_add(index, a.y.head, &row);
            w.mul_add(&self.token, a.y.token, &row)
        };
        let at = w.mul_add(&slot.chunk, self.plan.chunk, &row);
        let factor = (a.split.is_none()).then(|| {
            let one = w.float(1.0);
            w.floats("divf", &one, weight)
        });
        for (i, element) in elements.iter().enumerate() {
            let at = w.add_const(&at, super::to_i64(i));
            let value = match &factor {
                Some(factor) => w.floats("mulf", element, factor),
                None => element.clone(),
            };
            w.store(b, &at, &value);
        }
        if a.split.is_some() {
            let first = w.int_is_const("eq", &slot.chunk, 0);
            w.when(&first, |w| {
                let at = w.add_const(&row, a.d);
                let max = w.shared_load(&self.maxima, index);
                w.store(b, &at, &max);
                let at = w.add_const(&at, 1);
                w.store(b, &at, weight);
            });
        }
    }
}

/// `options[which]`.
fn select(w: &mut Writer, which: &Value, options: &[Value]) -> Value {
    let mut chosen = options[0].clone();
    for (i, option) in options.iter().enumerate().skip(1) {
        let is = w.int_is_const("eq", which, super::to_i64(i));
        chosen = w.choose(&is, option, &chosen, "f32");
    }
    chosen
}
