//! One result, or one pair of results, per invocation.

use super::unravel;
use crate::gpu::{Emitted, Writer};
use crate::{Activation, KernelError, Pairing, Rope, Strides, Value};

/// Bindings: x, up if there is one, y.
pub(super) fn activation(k: &Activation, mut w: Writer) -> Result<Emitted, KernelError> {
    let y = 1 + usize::from(k.up.is_some());
    let groups = w.each_item(k.rows * k.n, |w, item| {
        let (row, i) = unravel(w, item, k.rows, k.n);
        let place = |w: &mut Writer, b: usize, stride: i64| {
            let start = w.start(b);
            let at = w.mul_add(&row, stride, &start);
            w.add(&at, &i)
        };
        let at = place(w, 0, k.x_stride);
        let x = w.load(0, &at);
        let mut value = w.apply(k.function, &x);
        if let Some((_, stride)) = k.up {
            let at = place(w, 1, stride);
            let up = w.load(1, &at);
            value = w.floats("mulf", &value, &up);
        }
        let at = place(w, y, k.y_stride);
        w.store(y, &at, &value);
    });
    w.finish(groups)
}

/// Bindings: x, cosines, sines, y.
pub(super) fn rope(k: &Rope, mut w: Writer) -> Result<Emitted, KernelError> {
    let half = k.d / 2;
    let groups = w.each_item(k.a * k.b * half, |w, item| {
        let (row, i) = unravel(w, item, k.a * k.b, half);
        let (a, b) = unravel(w, &row, k.a, k.b);
        let token = if k.token_dim == 0 { &a } else { &b };
        let angle = w.mul_add(token, half, &i);
        let [c, s] = [1, 2].map(|table| {
            let at = w.start(table);
            let at = w.add(&at, &angle);
            w.load(table, &at)
        });
        let place = |w: &mut Writer, binding: usize, strides: Strides| {
            let start = w.start(binding);
            let at = w.mul_add(&a, strides.a, &start);
            let at = w.mul_add(&b, strides.b, &at);
            pair(w, k.pairing, half, (&at, &i))
        };
        let at = place(w, 0, k.x_strides);
        let xs = at.map(|at| w.load(0, &at));
        let ys = rotate(w, &xs, (&c, &s));
        let at = place(w, 3, k.y_strides);
        for (at, y) in at.iter().zip(&ys) {
            w.store(3, at, y);
        }
    });
    w.finish(groups)
}

/// Where the `i`-th pair of a row of 2 * `half` elements at `row` is.
pub(in crate::gpu) fn pair(
    w: &mut Writer,
    pairing: Pairing,
    half: i64,
    (row, i): (&Value, &Value),
) -> [Value; 2] {
    let (step, distance) = match pairing {
        Pairing::Half => (1, half),
        Pairing::Interleaved => (2, 1),
    };
    let first = w.mul_add(i, step, row);
    let second = w.add_const(&first, distance);
    [first, second]
}

/// (a c - b s, b c + a s).
pub(in crate::gpu) fn rotate(
    w: &mut Writer,
    [a, b]: &[Value; 2],
    (c, s): (&Value, &Value),
) -> [Value; 2] {
    let bs = w.floats("mulf", b, s);
    let minus = w.negate(&bs);
    let bc = w.floats("mulf", b, c);
    [w.fma(a, c, &minus), w.fma(a, s, &bc)]
}
