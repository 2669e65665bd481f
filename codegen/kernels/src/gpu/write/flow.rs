//! Conditions and loops.

use super::{MOST_GROUPS, Value, Writer, list};

impl Writer {
    /// `body` where `which` holds.
    pub fn when(&mut self, which: &Value, body: impl FnOnce(&mut Self)) {
        self.text.open(format_args!("scf.if {which} {{"));
        body(self);
        self.text.close("}");
    }

    /// The values of `body` where `which` holds, `otherwise` elsewhere. Values are paired with their types.
    pub fn when_else(
        &mut self,
        which: &Value,
        otherwise: &[(&str, Value)],
        body: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Vec<Value> {
        let name = self.text.fresh();
        let types = types(otherwise);
        self.text.open(format_args!(
            "{name}:{} = scf.if {which} -> ({types}) {{",
            otherwise.len()
        ));
        let values = body(self);
        self.line(format_args!("scf.yield {} : {types}", list(&values)));
        self.text.close("} else {");
        self.text.open("// else");
        let values: Vec<Value> = otherwise.iter().map(|(_, value)| value.clone()).collect();
        self.line(format_args!("scf.yield {} : {types}", list(&values)));
        self.text.close("}");
        results(&name, otherwise.len())
    }

    /// A loop over i from `from` up to and without `to`. `carried` (types and initial values) is what a round hands to the next: `body` gets i
    /// and the current values, and returns the next ones. The result is the last ones.
    pub fn each(
        &mut self,
        (from, to, step): (&Value, &Value, i64),
        carried: &[(&str, Value)],
        body: impl FnOnce(&mut Self, &Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let step = self.int(step);
        let i = self.text.fresh();
        if carried.is_empty() {
            self.text.open(format_args!(
                "scf.for {i} = {from} to {to} step {step} : i32 {{"
            ));
            body(self, &i, &[]);
            self.text.close("}");
            return Vec::new();
        }
        let name = self.text.fresh();
        let current: Vec<Value> = carried.iter().map(|_| self.text.fresh()).collect();
        let inits: Vec<String> = current
            .iter()
            .zip(carried)
            .map(|(current, (_, init))| format!("{current} = {init}"))
            .collect();
        let types = types(carried);
        self.text.open(format_args!(
            "{name}:{} = scf.for {i} = {from} to {to} step {step} iter_args({}) -> ({types}) : i32 {{",
            carried.len(),
            inits.join(", ")
        ));
        let next = body(self, &i, &current);
        self.line(format_args!("scf.yield {} : {types}", list(&next)));
        self.text.close("}");
        results(&name, carried.len())
    }

    /// A loop over this lane's share of `0 .. count`: lane, lane + lanes, ... Unrolled to one guarded round, or one without a guard, where
    /// that is all there is.
    pub fn each_of_lane(
        &mut self,
        count: i64,
        carried: &[(&str, Value)],
        body: impl FnOnce(&mut Self, &Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let lane = self.lane();
        let inits: Vec<Value> = carried.iter().map(|(_, init)| init.clone()).collect();
        if count == self.lanes() {
            return body(self, &lane, &inits);
        }
        if count > self.lanes() {
            let to = self.int(count);
            return self.each((&lane, &to, self.lanes()), carried, body);
        }
        let inside = self.int_is_const("slt", &lane, count);
        if carried.is_empty() {
            self.when(&inside, |w| {
                body(w, &lane, &[]);
            });
            return Vec::new();
        }
        self.when_else(&inside, carried, |w| body(w, &lane, &inits))
    }

    /// One item per invocation, `0 .. count`, without a rest: `body` gets the item's number. Gives the workgroups that [`Writer::finish`] needs.
    pub fn each_item(&mut self, count: i64, body: impl FnOnce(&mut Self, &Value)) -> [i64; 3] {
        let groups = (count + self.lanes() - 1) / self.lanes();
        let (x, y) = (
            groups.min(MOST_GROUPS),
            (groups + MOST_GROUPS - 1) / MOST_GROUPS,
        );
        let mut group = self.group("x");
        if y > 1 {
            let row = self.group("y");
            group = self.mul_add(&row, x, &group);
        }
        let (lane, lanes) = (self.lane(), self.lanes());
        let item = self.mul_add(&group, lanes, &lane);
        if x * y * lanes == count {
            body(self, &item);
        } else {
            let inside = self.int_is_const("ult", &item, count);
            self.when(&inside, |w| body(w, &item));
        }
        [x, y, 1]
    }
}

fn types(values: &[(&str, Value)]) -> String {
    values
        .iter()
        .map(|(ty, _)| *ty)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The results of an op with several.
fn results(name: &Value, n: usize) -> Vec<Value> {
    let name = name.to_string();
    (0..n)
        .map(|i| Value::named(&format!("{}#{i}", name.trim_start_matches('%'))))
        .collect()
}
