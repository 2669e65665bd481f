//! One workgroup per row.

use crate::gpu::linear::chunk;
use crate::gpu::{Emitted, Reduce, Writer};
use crate::{KernelError, Norm, NormKind, Softmax, Value};

/// Bindings: x, weight, bias if there is one, y. The same arithmetic as in the first stage of products.
#[expect(
    clippy::cast_precision_loss,
    reason = "the rounding of a row's length does not matter"
)]
pub(super) fn norm(k: &Norm, mut w: Writer) -> Result<Emitted, KernelError> {
    let row = w.group("x");
    let x = at_row(&mut w, 0, &row, k.x_stride);
    let (one, count, eps) = (w.float(1.0), w.float(k.n as f32), w.float(k.eps));
    let mean = (k.kind == NormKind::Layer).then(|| {
        let sum = chunks(&mut w, k.n, |w, i, sum| {
            let x = element(w, 0, &x, i);
            w.floats("addf", sum, &x)
        });
        w.floats("divf", &sum, &count)
    });
    let centred = |w: &mut Writer, i: &Value| {
        let x = element(w, 0, &x, i);
        match &mean {
            Some(mean) => w.floats("subf", &x, mean),
            None => x,
        }
    };
    let squares = chunks(&mut w, k.n, |w, i, sum| {
        let x = centred(w, i);
        w.fma(&x, &x, sum)
    });
    let size = w.floats("divf", &squares, &count);
    let size = w.floats("addf", &size, &eps);
    let root = w.math("sqrt", &size);
    let factor = w.floats("divf", &one, &root);
    let y = if k.bias.is_some() { 3 } else { 2 };
    let to = at_row(&mut w, y, &row, k.y_stride);
    w.each_of_lane(k.n, &[], |w, i, _| {
        let x = centred(w, i);
        let x = w.floats("mulf", &x, &factor);
        let start = w.start(1);
        let mut weight = element(w, 1, &start, i);
        if k.weight_offset != 0.0 {
            let offset = w.float(k.weight_offset);
            weight = w.floats("addf", &weight, &offset);
        }
        let value = if k.bias.is_some() {
            let start = w.start(2);
            let bias = element(w, 2, &start, i);
            w.fma(&x, &weight, &bias)
        } else {
            w.floats("mulf", &x, &weight)
        };
        let at = w.add(&to, i);
        w.store(y, &at, &value);
        Vec::new()
    });
    w.finish([k.rows, 1, 1])
}

/// A sum over a row, in every lane: `add` adds an element to what its lane has. Lanes take chunks in turn.
fn chunks(w: &mut Writer, n: i64, add: impl Fn(&mut Writer, &Value, &Value) -> Value) -> Value {
    let (zero, chunk) = (w.float(0.0), chunk(n));
    let sum = w.each_of_lane(n / chunk, &[("f32", zero)], |w, number, sum| {
        let first = w.mul(number, chunk);
        let sum = (0..chunk).fold(sum[0].clone(), |sum, i| {
            let i = w.add_const(&first, i);
            add(w, &i, &sum)
        });
        vec![sum]
    });
    w.reduce(Reduce::Sum, &sum).swap_remove(0)
}

/// Bindings: x, y.
pub(super) fn softmax(k: &Softmax, mut w: Writer) -> Result<Emitted, KernelError> {
    let row = w.group("x");
    let x = at_row(&mut w, 0, &row, k.x_stride);
    let (zero, one, least) = (w.float(0.0), w.float(1.0), w.float(f32::NEG_INFINITY));
    let max = w.each_of_lane(k.n, &[("f32", least)], |w, i, max| {
        let x = element(w, 0, &x, i);
        vec![w.join(Reduce::Max, &max[0], &x)]
    });
    let max = w.reduce(Reduce::Max, &max).swap_remove(0);
    let exp = |w: &mut Writer, i: &Value| {
        let x = element(w, 0, &x, i);
        let x = w.floats("subf", &x, &max);
        w.math("exp", &x)
    };
    let sum = total(&mut w, k.n, &zero, exp);
    let factor = w.floats("divf", &one, &sum);
    let to = at_row(&mut w, 1, &row, k.y_stride);
    w.each_of_lane(k.n, &[], |w, i, _| {
        let e = exp(w, i);
        let value = w.floats("mulf", &e, &factor);
        let at = w.add(&to, i);
        w.store(1, &at, &value);
        Vec::new()
    });
    w.finish([k.rows, 1, 1])
}

/// Where a row of binding `b` begins.
pub(super) fn at_row(w: &mut Writer, b: usize, row: &Value, stride: i64) -> Value {
    let start = w.start(b);
    w.mul_add(row, stride, &start)
}

fn element(w: &mut Writer, b: usize, row: &Value, i: &Value) -> Value {
    let at = w.add(row, i);
    w.load(b, &at)
}

/// The sum of `term` over a row, in every lane.
fn total(
    w: &mut Writer,
    n: i64,
    zero: &Value,
    mut term: impl FnMut(&mut Writer, &Value) -> Value,
) -> Value {
    let sum = w.each_of_lane(n, &[("f32", zero.clone())], |w, i, sum| {
        let x = term(w, i);
        vec![w.floats("addf", &sum[0], &x)]
    });
    w.reduce(Reduce::Sum, &sum).swap_remove(0)
}
