//! `scf.for` and `scf.while`, opened and closed around what their bodies hold.

use super::model::results_of;
use super::ops::Ops;
use super::text::{Element, Type, Value, commas};

/// A loop whose body is being emitted.
pub(super) struct Open {
    name: String,
    types: Vec<Type>,
    /// Induction variable; of no use in an `scf.while`.
    pub(super) index: Value,
    /// What the iterations carry.
    pub(super) args: Vec<Value>,
}

impl Ops {
    fn open(&mut self, init: &[Value]) -> Open {
        let name = self.b.fresh();
        let index = Value::new(self.b.fresh(), Type::scalar(Element::Index));
        let args = self.like(init);
        let types = init.iter().map(|v| v.ty.clone()).collect();
        Open {
            name,
            types,
            index,
            args,
        }
    }

    fn like(&mut self, init: &[Value]) -> Vec<Value> {
        init.iter()
            .map(|v| Value::new(self.b.fresh(), v.ty.clone()))
            .collect()
    }

    /// `scf.for` of `trips` trips over index 0.. that carries `init`.
    pub(super) fn open_for(&mut self, trips: usize, init: &[Value]) -> Open {
        let [low, high, step] = [0, trips as i64, 1].map(|n| self.b.int(n, Element::Index));
        let open = self.open(init);
        let Open {
            name,
            index,
            args,
            types,
        } = &open;
        let pairs = commas(args.iter().zip(init).map(|(a, v)| format!("{a} = {v}")));
        let many = if init.len() == 1 {
            String::new()
        } else {
            format!(":{}", init.len())
        };
        self.b.line(format_args!(
            "{name}{many} = scf.for {index} = {low} to {high} step {step} iter_args({pairs}) -> ({}) {{",
            commas(types)
        ));
        self.b.enter();
        open
    }

    /// `scf.while` that carries `init` as long as its value at `counter` is below `limit`.
    pub(super) fn open_while(&mut self, init: &[Value], counter: usize, limit: usize) -> Open {
        let limit = self.b.int(limit as i64, Element::Index);
        let open = self.open(init);
        let before = self.like(init);
        let types = commas(&open.types);
        let pairs = commas(before.iter().zip(init).map(|(a, v)| format!("{a} = {v}")));
        let (name, count) = (&open.name, init.len());
        self.b.line(format_args!(
            "{name}:{count} = scf.while ({pairs}) : ({types}) -> ({types}) {{"
        ));
        self.b.nested(|b| {
            let more = b.compare("arith.cmpi slt", &before[counter], &limit);
            b.line(format_args!(
                "scf.condition({more}) {} : {types}",
                commas(&before)
            ));
        });
        self.b.line("} do {");
        let header = commas(open.args.iter().map(|a| format!("{a}: {}", a.ty)));
        self.b.line(format_args!("^bb0({header}):"));
        self.b.enter();
        open
    }

    /// Yields `next` and ends the loop; its results.
    pub(super) fn close(&mut self, open: Open, next: &[Value]) -> Vec<Value> {
        let types = commas(&open.types);
        self.b
            .line(format_args!("scf.yield {} : {types}", commas(next)));
        self.b.leave();
        self.b.line("}");
        results_of(&open.name, open.types.into_iter())
    }
}
