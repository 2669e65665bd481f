//! Attention over a cache.
//!
//! A workgroup takes the heads of a KV head (eight at most), a token and, if they are split, a range of rows. Rows are numbered through
//! the cache and then the call's own; blocks of rows update a running maximum, so that workgroup memory does not grow with the cache. The
//! arithmetic behind a head of a token depends on which rows are visible, not on the call's other tokens nor on which part a row is in:
//! a new row is rounded to the cache's type first. Rows that are not visible are not read.
//!
//! A position that the cache cannot have is taken to the nearest one that it can. A mask covers `capacity` rows, and then the call's own
//! where they are not in the cache. Where all scores of a token are -inf, its result is NaN, as the formula says.

mod combine;
mod operand;
mod plan;
mod scores;
mod sums;

use super::expr::scalars;
use super::heads::clamped;
use super::{
    Access, Attention, Binding, Combine, Device, Emitted, Reduce, Shared, Visible, Width, Writer,
};
use crate::lanes::{extent, float, sizes, to_i64, unsupported};
use crate::{DType, HeadRows, KernelError, Value};

pub(super) use combine::{combine_bindings, emit_combine};

use plan::{Plan, width};

/// Longest rows.
const LARGEST_ROW: i64 = 1024;

pub(super) fn label(k: &Attention) -> String {
    let split = if k.split.is_some() { "_split" } else { "" };
    format!("attention{split}_{}x{}", k.heads, k.d)
}

pub(super) fn combine_label(k: &Combine) -> String {
    format!("combine_{}x{}", k.0.heads, k.0.d)
}

pub(super) fn bindings(k: &Attention) -> Vec<Binding> {
    let read = |name, rows: HeadRows, heads, tokens| Binding {
        name,
        dtype: rows.dtype,
        access: Access::Read,
        elements: extent(&[(heads, rows.head), (tokens, rows.token)], k.d),
    };
    let mut all = vec![
        read("q", k.q, k.heads, k.m),
        read("k", k.k, k.kv_heads, k.capacity),
        read("v", k.v, k.kv_heads, k.capacity),
    ];
    all.extend(k.new.iter().flat_map(|&(key, value)| {
        [
            read("k_new", key, k.kv_heads, k.m),
            read("v_new", value, k.kv_heads, k.m),
        ]
    }));
    let exprs = match &k.visible {
        Visible::Position(at) => vec![at],
        Visible::Mask(dtype) => {
            all.push(Binding {
                name: "mask",
                dtype: *dtype,
                access: Access::Read,
                elements: k.m * k.all_rows(),
            });
            Vec::new()
        }
    };
    all.push(if k.split.is_some() {
        k.partial(Access::Write)
    } else {
        k.result()
    });
    all.extend(scalars(&k.scalars, &exprs, &[]));
    all
}

pub(super) fn emit(k: &Attention, device: &Device) -> Result<Emitted, KernelError> {
    k.check()?;
    let plan = Plan::new(k, device)?;
    let operands = 3 + 2 * usize::from(k.new.is_some());
    let bindings: Vec<_> = bindings(k)
        .into_iter()
        .enumerate()
        .map(|(i, b)| {
            (
                b,
                if i > 0 && i < operands {
                    width(k, b.dtype)
                } else {
                    Width::One
                },
            )
        })
        .collect();
    let lanes = u32::try_from(plan.lanes).unwrap_or(u32::MAX);
    let groups = [k.heads / plan.heads, k.m, k.splits()];
    let mut w = Writer::new(device, lanes, &bindings)?;
    let build = Build::new(k, plan, &mut w);
    build.blocks(&mut w);
    build.results(&mut w);
    w.finish(groups)
}

impl Attention {
    /// Rows that there are: in the cache, and the call's own where they are not in it.
    fn all_rows(&self) -> i64 {
        self.capacity + if self.new.is_some() { self.m } else { 0 }
    }

    /// Ranges of rows.
    fn splits(&self) -> i64 {
        self.split
            .map_or(1, |split| (self.all_rows() + split - 1) / split)
    }

    fn result(&self) -> Binding {
        Binding {
            name: "y",
            dtype: self.y.dtype,
            access: Access::Write,
            elements: extent(&[(self.heads, self.y.head), (self.m, self.y.token)], self.d),
        }
    }

    fn partial(&self, access: Access) -> Binding {
        Binding {
            name: "partial",
            dtype: DType::F32,
            access,
            elements: self.splits() * self.m * self.heads * (self.d + 2),
        }
    }

    fn check(&self) -> Result<(), KernelError> {
        sizes("attention", &[self.heads, self.kv_heads, self.m, self.d])?;
        sizes("attention", &[self.capacity, self.split.unwrap_or(1)])?;
        let (new_k, new_v) = self.new.unwrap_or((self.k, self.v));
        for (what, rows) in [
            ("q", self.q),
            ("k", self.k),
            ("v", self.v),
            ("the new k", new_k),
            ("the new v", new_v),
            ("y", self.y),
        ] {
            float(what, rows.dtype)?;
        }
        if self.heads % self.kv_heads != 0 {
            return unsupported(format!(
                "attention: {} KV heads do not divide {} heads",
                self.kv_heads, self.heads
            ));
        }
        if self.d > LARGEST_ROW {
            return unsupported(format!(
                "attention: rows of {} elements; kernels take {LARGEST_ROW} at most",
                self.d
            ));
        }
        if self.new.is_none() && self.m > self.capacity {
            return unsupported(format!(
                "attention: a cache of {} rows cannot hold the call's {}",
                self.capacity, self.m
            ));
        }
        if !self.scale.is_finite() || !self.softcap.is_finite() || self.softcap < 0.0 {
            return unsupported(
                "attention: scale and softcap must be finite, softcap not negative",
            );
        }
        Ok(())
    }
}

/// What is known of a kernel before its first block of rows.
struct Build<'a> {
    a: &'a Attention,
    plan: Plan,
    /// The workgroup's numbers: group of heads, token, split. Addresses are made of these where they are needed: registers are few.
    group: Value,
    token: Value,
    split: Value,
    /// Rows: the first, one past the last, and the first that is not in the cache where new rows are apart.
    from: Value,
    to: Value,
    own: Option<Value>,
    /// q times the scale, f32.
    q: Shared,
    /// Scores, then weights, of a block, by row and head; a lane without a last head reads past them.
    weights: Shared,
    /// Running sums of each lane.
    state: Shared,
    /// Running maxima, by head.
    maxima: Shared,
}

impl<'a> Build<'a> {
    fn new(a: &'a Attention, plan: Plan, w: &mut Writer) -> Self {
        let (group, token, split) = (w.group("x"), w.group("y"), w.group("z"));
        let (own, seen) = visible(a, w, &token);
        let (from, to) = match a.split {
            None => (w.int(0), seen),
            Some(rows) => {
                let from = w.mul(&split, rows);
                let to = w.add_const(&from, rows);
                (from, w.ints("minsi", &to, &seen))
            }
        };
        let q = if plan.step > 1 {
            w.shared("vector<4xf32>", plan.heads * a.d / 4)
        } else {
            w.shared("f32", plan.heads * a.d)
        };
        let weights = w.shared("f32", plan.block * plan.heads + plan.held);
        let state = w.shared("vector<4xf32>", plan.slots(a.d) * plan.lanes * plan.state());
        let maxima = w.shared("f32", plan.heads);
        let build = Build {
            a,
            plan,
            group,
            token,
            split,
            from,
            to,
            own,
            q,
            weights,
            state,
            maxima,
        };
        build.queries(w);
        build.clear(w);
        let least = w.float(f32::NEG_INFINITY);
        build.store_maxima(w, &vec![least; build.plan.heads as usize]);
        w.barrier();
        build
    }

    /// Brings q, times the scale, to workgroup memory.
    fn queries(&self, w: &mut Writer) {
        let a = self.a;
        let each = if self.plan.step > 1 { 4 } else { 1 };
        let (start, scale) = (w.start(0), w.float(a.scale));
        let at = w.mul_add(&self.group, self.plan.heads * a.q.head, &start);
        let at = w.mul_add(&self.token, a.q.token, &at);
        w.each_of_lane(self.plan.heads * a.d / each, &[], |w, i, _| {
            let (head, part) = (w.div(i, a.d / each), w.rem(i, a.d / each));
            let at = w.mul_add(&head, a.q.head, &at);
            let at = w.mul_add(&part, each, &at);
            let mut values = Vec::new();
            for j in 0..each {
                let at = w.add_const(&at, j);
                let q = w.load(0, &at);
                values.push(w.floats("mulf", &q, &scale));
            }
            match <[Value; 4]>::try_from(values) {
                Ok(four) => w.shared_stores(&self.q, i, &four),
                Err(one) => w.shared_store(&self.q, i, &one[0]),
            }
            Vec::new()
        });
    }

    /// All blocks of rows. What they leave is in `state` and `maxima`.
    fn blocks(&self, w: &mut Writer) {
        let rows = self.a.split.unwrap_or(i64::MAX).min(self.a.all_rows());
        if rows <= self.plan.block {
            return self.block(w, &self.from);
        }
        w.each(
            (&self.from, &self.to, self.plan.block),
            &[],
            |w, from, _| {
                self.block(w, from);
                Vec::new()
            },
        );
    }

    /// A block of rows from `from` on.
    fn block(&self, w: &mut Writer, from: &Value) {
        let (zero, least) = (w.float(0.0), w.float(f32::NEG_INFINITY));
        let end = w.add_const(from, self.plan.block);
        let end = w.ints("minsi", &end, &self.to);
        self.scores(w, (from, &end));
        let best = self.largest(w, (from, &end));
        let best = w.reduce(Reduce::Max, &best);
        let mut maxima = Vec::new();
        let mut references = Vec::new();
        let mut factors = Vec::new();
        for (i, best) in best.iter().enumerate() {
            let at = w.int(to_i64(i));
            let old = w.shared_load(&self.maxima, &at);
            let max = w.join(Reduce::Max, &old, best);
            let nothing = w.float_is("oeq", &max, &least);
            let reference = w.choose(&nothing, &zero, &max, "f32");
            let x = w.floats("subf", &old, &reference);
            factors.push(w.math("exp", &x));
            maxima.push(max);
            references.push(reference);
        }
        self.weigh(w, (from, &end), &references);
        w.barrier();
        self.store_maxima(w, &maxima);
        self.add(w, (from, &end), &factors);
        w.barrier();
    }

    /// The first lane keeps the maxima.
    fn store_maxima(&self, w: &mut Writer, maxima: &[Value]) {
        let lane = w.lane();
        let first = w.int_is_const("eq", &lane, 0);
        w.when(&first, |w| {
            for (i, max) in maxima.iter().enumerate() {
                let at = w.int(to_i64(i));
                w.shared_store(&self.maxima, &at, max);
            }
        });
    }
}

/// The first row that is not in the cache, if new rows are apart, and one past the last row that a token sees.
fn visible(a: &Attention, w: &mut Writer, token: &Value) -> (Option<Value>, Value) {
    match &a.visible {
        Visible::Position(at) => {
            let scalars = if a.new.is_some() { 6 } else { 4 };
            let at = w.expr(at, scalars);
            let most = if a.new.is_some() {
                a.capacity
            } else {
                a.capacity - a.m
            };
            let at = clamped(w, &at, most);
            let seen = w.add(&at, token);
            (a.new.is_some().then_some(at), w.add_const(&seen, 1))
        }
        Visible::Mask(_) => {
            let own = a.new.is_some().then(|| w.int(a.capacity));
            (own, w.int(a.all_rows()))
        }
    }
}
