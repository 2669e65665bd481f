//! Per-head work apart from a product: normalisation, rotation, transposition, appending to a cache.
//!
//! With a norm one workgroup takes a head of a token; without one an invocation takes an element, or a pair that rotates together.

use super::expr::scalars;
use super::rows::{lanes_for, pair, rotate};
use super::{Access, Binding, Device, Emitted, HeadNorm, Heads, Place, Reduce, Width, Writer};
use crate::lanes::{extent, float, sizes, unsupported};
use crate::{KernelError, Value};

pub(super) fn label(k: &Heads) -> String {
    let norm = if k.norm.is_some() { "_norm" } else { "" };
    let rope = if k.rope.is_some() { "_rope" } else { "" };
    format!("heads{norm}{rope}_{}x{}", k.heads, k.d)
}

pub(super) fn bindings(k: &Heads) -> Vec<Binding> {
    let read = |name, dtype, elements| Binding {
        name,
        dtype,
        access: Access::Read,
        elements,
    };
    let x = extent(&[(k.heads, k.x.head), (k.m, k.x.token)], k.d);
    let mut all = vec![read("x", k.x.dtype, x)];
    all.extend(k.norm.map(|norm| read("weight", norm.weight, k.d)));
    let angles = k.m * (k.d / 2);
    all.extend(
        k.rope
            .iter()
            .flat_map(|rope| [read("cos", rope.cos, angles), read("sin", rope.sin, angles)]),
    );
    all.push(Binding {
        name: "y",
        dtype: k.y.dtype,
        access: Access::Write,
        elements: room(&k.y, k.heads * k.d, k.m),
    });
    all.extend(scalars(&k.scalars, &k.y.at.iter().collect::<Vec<_>>(), &[]));
    all
}

/// Elements in which the `rows` of `m` tokens can lie.
fn room(y: &Place, rows: i64, m: i64) -> i64 {
    let tokens = if y.at.is_some() { y.capacity } else { m };
    extent(&[(rows / y.d, y.head), (tokens, y.token)], y.d)
}

pub(super) fn emit(k: &Heads, device: &Device) -> Result<Emitted, KernelError> {
    check(k)?;
    let lanes = if k.norm.is_some() {
        lanes_for(k.units(), 1, device)
    } else {
        64
    };
    let bindings: Vec<_> = bindings(k).into_iter().map(|b| (b, Width::One)).collect();
    let w = Writer::new(device, u32::try_from(lanes).unwrap_or(u32::MAX), &bindings)?;
    match &k.norm {
        Some(norm) => normed(k, norm, w),
        None => plain(k, w),
    }
}

fn check(k: &Heads) -> Result<(), KernelError> {
    sizes("heads", &[k.heads, k.m, k.d])?;
    float("x", k.x.dtype)?;
    float("y", k.y.dtype)?;
    if k.y.d != k.d {
        return unsupported(format!("heads of {} elements in places of {}", k.d, k.y.d));
    }
    if k.rope.is_some() && k.d % 2 != 0 {
        return unsupported(format!(
            "rotated heads of {} elements: an even number is needed",
            k.d
        ));
    }
    if k.y.at.is_some() && k.y.capacity < k.m {
        return unsupported(format!("{} tokens in a cache of {}", k.m, k.y.capacity));
    }
    Ok(())
}

impl Heads {
    /// Elements of a head, or pairs of elements that rotate together.
    fn units(&self) -> i64 {
        if self.rope.is_some() {
            self.d / 2
        } else {
            self.d
        }
    }

    /// The binding after x, the norm's weight and the angles.
    fn target(&self) -> usize {
        1 + usize::from(self.norm.is_some()) + 2 * usize::from(self.rope.is_some())
    }
}

fn plain(k: &Heads, mut w: Writer) -> Result<Emitted, KernelError> {
    let groups = w.each_item(k.m * k.heads * k.units(), |w, item| {
        let (row, unit) = (w.div(item, k.units()), w.rem(item, k.units()));
        let (token, head) = (w.div(&row, k.heads), w.rem(&row, k.heads));
        let xs = unit_values(k, w, (&head, &token, &unit));
        finish(k, w, (&head, &token, &unit), &xs);
    });
    w.finish(groups)
}

#[expect(clippy::cast_precision_loss, reason = "heads are short")]
fn normed(k: &Heads, norm: &HeadNorm, mut w: Writer) -> Result<Emitted, KernelError> {
    let (head, token) = (w.group("x"), w.group("y"));
    let zero = w.float(0.0);
    let sum = w.each_of_lane(k.units(), &[("f32", zero)], |w, unit, sum| {
        let xs = unit_values(k, w, (&head, &token, unit));
        vec![xs.iter().fold(sum[0].clone(), |sum, x| w.fma(x, x, &sum))]
    });
    let squares = w.reduce(Reduce::Sum, &sum).swap_remove(0);
    let (count, eps) = (w.float(k.d as f32), w.float(norm.eps));
    let size = w.floats("divf", &squares, &count);
    let size = w.floats("addf", &size, &eps);
    let factor = w.math("rsqrt", &size);
    w.each_of_lane(k.units(), &[], |w, unit, _| {
        let start = w.start(1);
        let mut values = Vec::new();
        let weights = unit_places(k, w, &start, unit);
        for (x, at) in unit_values(k, w, (&head, &token, unit)).iter().zip(weights) {
            let mut weight = w.load(1, &at);
            if norm.weight_offset != 0.0 {
                let offset = w.float(norm.weight_offset);
                weight = w.floats("addf", &weight, &offset);
            }
            let x = w.floats("mulf", x, &factor);
            values.push(w.floats("mulf", &x, &weight));
        }
        finish(k, w, (&head, &token, unit), &values);
        Vec::new()
    });
    w.finish([k.heads, k.m, 1])
}

/// Where the elements of a unit are in a head that begins at `row`.
fn unit_places(k: &Heads, w: &mut Writer, row: &Value, unit: &Value) -> Vec<Value> {
    match &k.rope {
        Some(rope) => pair(w, rope.pairing, k.d / 2, (row, unit)).to_vec(),
        None => vec![w.add(row, unit)],
    }
}

/// The elements of a unit of x.
fn unit_values(
    k: &Heads,
    w: &mut Writer,
    (head, token, unit): (&Value, &Value, &Value),
) -> Vec<Value> {
    let start = w.start(0);
    let at = w.mul_add(head, k.x.head, &start);
    let at = w.mul_add(token, k.x.token, &at);
    let places = unit_places(k, w, &at, unit);
    places.iter().map(|at| w.load(0, at)).collect()
}

/// Rotates a unit and stores it.
fn finish(
    k: &Heads,
    w: &mut Writer,
    (head, token, unit): (&Value, &Value, &Value),
    values: &[Value],
) {
    let mut values = values.to_vec();
    if let (Some(_), [a, b]) = (&k.rope, &values[..]) {
        let angle = w.mul_add(token, k.d / 2, unit);
        let [c, s] = [k.target() - 2, k.target() - 1].map(|table| {
            let start = w.start(table);
            let at = w.add(&start, &angle);
            w.load(table, &at)
        });
        values = rotate(w, &[a.clone(), b.clone()], (&c, &s)).to_vec();
    }
    let y = k.target();
    let token = placed(w, &k.y, k.m, token, y + 1);
    let start = w.start(y);
    let at = w.mul_add(head, k.y.head, &start);
    let at = w.mul_add(&token, k.y.token, &at);
    let places = unit_places(k, w, &at, unit);
    for (at, value) in places.iter().zip(&values) {
        w.store(y, at, value);
    }
}

/// The place of one of `m` tokens: after the run-time position, which is taken to the nearest with room for all.
pub(super) fn placed(w: &mut Writer, y: &Place, m: i64, token: &Value, scalars: usize) -> Value {
    match &y.at {
        Some(at) => {
            let first = w.expr(at, scalars);
            let first = clamped(w, &first, y.capacity - m);
            w.add(&first, token)
        }
        None => token.clone(),
    }
}

/// The nearest number in `0 ..= most`.
pub(super) fn clamped(w: &mut Writer, value: &Value, most: i64) -> Value {
    let (zero, most) = (w.int(0), w.int(most));
    let value = w.ints("maxsi", value, &zero);
    w.ints("minsi", &value, &most)
}
