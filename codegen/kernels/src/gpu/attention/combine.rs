//! Partial results of ranges of rows to results: one element per invocation.

use crate::gpu::expr::scalars;
use crate::gpu::{Access, Binding, Combine, Device, Emitted, Reduce, Width, Writer};
use crate::lanes::unsupported;
use crate::{KernelError, Value};

pub(in crate::gpu) fn combine_bindings(k: &Combine) -> Vec<Binding> {
    let mut all = vec![k.0.partial(Access::Read), k.0.result()];
    all.extend(scalars(&k.0.scalars, &[], &[]));
    all
}

pub(in crate::gpu) fn emit_combine(k: &Combine, device: &Device) -> Result<Emitted, KernelError> {
    let a = &k.0;
    a.check()?;
    if a.split.is_none() {
        return unsupported("attention that is not split has nothing to combine");
    }
    let bindings: Vec<_> = combine_bindings(k)
        .into_iter()
        .map(|b| (b, Width::One))
        .collect();
    let mut w = Writer::new(device, 64, &bindings)?;
    let groups = w.each_item(a.m * a.heads * a.d, |w, item| {
        let (row, i) = (w.div(item, a.d), w.rem(item, a.d));
        let (sum, weight) = totals(k, w, &row, &i);
        let value = w.floats("divf", &sum, &weight);
        let (token, head) = (w.div(&row, a.heads), w.rem(&row, a.heads));
        let start = w.start(1);
        let at = w.mul_add(&head, a.y.head, &start);
        let at = w.mul_add(&token, a.y.token, &at);
        let at = w.add(&at, &i);
        w.store(1, &at, &value);
    });
    w.finish(groups)
}

/// Element i of a row's sums over all ranges, and the sum of weights; both refer to the largest maximum.
fn totals(k: &Combine, w: &mut Writer, row: &Value, i: &Value) -> (Value, Value) {
    let a = &k.0;
    let start = w.start(0);
    let base = w.mul_add(row, a.d + 2, &start);
    let (zero, least) = (w.float(0.0), w.float(f32::NEG_INFINITY));
    let carried = [
        ("f32", least.clone()),
        ("f32", zero.clone()),
        ("f32", zero.clone()),
    ];
    let (from, to) = (w.int(0), w.int(a.splits()));
    let totals = w.each((&from, &to, 1), &carried, |w, split, state| {
        let at = w.mul_add(split, a.m * a.heads * (a.d + 2), &base);
        let max_at = w.add_const(&at, a.d);
        let max = w.load(0, &max_at);
        let weight_at = w.add_const(&max_at, 1);
        let weight = w.load(0, &weight_at);
        let at = w.add(&at, i);
        let element = w.load(0, &at);
        let next = w.join(Reduce::Max, &state[0], &max);
        let nothing = w.float_is("oeq", &next, &least);
        let reference = w.choose(&nothing, &zero, &next, "f32");
        let [old, new] = [&state[0], &max].map(|max| {
            let x = w.floats("subf", max, &reference);
            w.math("exp", &x)
        });
        let mut add = |sum: &Value, more: &Value| {
            let sum = w.floats("mulf", sum, &old);
            w.fma(more, &new, &sum)
        };
        vec![next, add(&state[1], &element), add(&state[2], &weight)]
    });
    (totals[1].clone(), totals[2].clone())
}
