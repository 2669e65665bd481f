//! Sums and maxima over a workgroup, through its memory: whatever the size of a subgroup, in an order that depends on the workgroup's size only.

use super::{Shared, Value, Writer};

/// How two numbers become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// Sum.
    Sum,
    /// The larger; a NaN never is.
    Max,
}

impl Writer {
    /// For each of `values` (f32) its reduction over all lanes, in every lane. All lanes of the workgroup must get here.
    pub fn reduce(&mut self, how: Reduce, values: &[Value]) -> Vec<Value> {
        let (memory, each) = self.halfway(how, values);
        let rows = values.len() as i64 * self.lanes();
        (0..values.len() as i64)
            .map(|value| {
                let at = self.int(rows + value * each);
                self.fold(how, &memory, &at, (each, 1))
            })
            .collect()
    }

    /// For lane t the sum over all lanes of `values[t % values.len()]` (f32): cheaper than [`Writer::reduce`] of several values, where
    /// one lane goes on with each. All lanes of the workgroup must get here.
    pub fn sum_by_lane(&mut self, values: &[Value]) -> Value {
        let (memory, each) = self.halfway(Reduce::Sum, values);
        let (lane, count) = (self.lane(), values.len() as i64);
        let mine = self.rem(&lane, count);
        let from = self.int(count * self.lanes());
        let at = self.mul_add(&mine, each, &from);
        self.fold(Reduce::Sum, &memory, &at, (each, 1))
    }

    /// One of two, or both.
    pub fn join(&mut self, how: Reduce, a: &Value, b: &Value) -> Value {
        match how {
            Reduce::Sum => self.floats("addf", a, b),
            Reduce::Max => {
                let larger = self.float_is("ogt", b, a);
                self.choose(&larger, b, a, "f32")
            }
        }
    }

    /// Partial results: memory, and how many lie side by side for each value, behind the lanes' own numbers.
    fn halfway(&mut self, how: Reduce, values: &[Value]) -> (Shared, i64) {
        let (lanes, count) = (self.lanes(), values.len() as i64);
        assert!(
            lanes & (lanes - 1) == 0 && count <= lanes,
            "kernels use workgroups of 2^n lanes"
        );
        let mut each = 1;
        while each * each < lanes && 2 * each * count <= lanes {
            each *= 2;
        }
        let memory = self.scratch("f32", count * (lanes + each));
        let lane = self.lane();
        for (i, value) in values.iter().enumerate() {
            let at = self.add_const(&lane, i as i64 * lanes);
            self.shared_store(&memory, &at, value);
        }
        self.barrier();
        let some = self.int_is_const("slt", &lane, each * count);
        self.when(&some, |w| {
            let (value, part) = (w.div(&lane, each), w.rem(&lane, each));
            let at = w.mul_add(&value, lanes, &part);
            let sum = w.fold(how, &memory, &at, (lanes / each, each));
            let at = w.add_const(&lane, count * lanes);
            w.shared_store(&memory, &at, &sum);
        });
        self.barrier();
        (memory, each)
    }

    /// `count` numbers, `step` apart, neighbours first.
    fn fold(
        &mut self,
        how: Reduce,
        memory: &Shared,
        at: &Value,
        (count, step): (i64, i64),
    ) -> Value {
        let mut parts: Vec<Value> = (0..count)
            .map(|i| {
                let at = self.add_const(at, i * step);
                self.shared_load(memory, &at)
            })
            .collect();
        while parts.len() > 1 {
            parts = parts
                .chunks(2)
                .map(|pair| match pair {
                    [a, b] => self.join(how, a, b),
                    rest => rest[0].clone(),
                })
                .collect();
        }
        parts.swap_remove(0)
    }

    /// Memory that reductions of one size share: the second barrier of one comes after all reads of what the next overwrites first.
    fn scratch(&mut self, ty: &'static str, elements: i64) -> Shared {
        if let Some(memory) = self.scratch.iter().find(|s| s.is(ty, elements)) {
            return memory.clone();
        }
        let memory = self.shared(ty, elements);
        self.scratch.push(memory.clone());
        memory
    }
}
