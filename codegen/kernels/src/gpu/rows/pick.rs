//! The largest elements of a row: one workgroup per row.

use super::normalise::at_row;
use crate::gpu::{Access, Binding, Emitted, Shared, TopK, Writer};
use crate::lanes::{extent, float, sizes, stride, unsupported};
use crate::{Argmax, DType, KernelError, Value};

/// Elements that a lane takes at a time, so that their loads overlap.
const SIDE: i64 = 4;
/// The index of no element.
const NONE: i64 = i32::MAX as i64;

/// A value and its index.
#[derive(Clone)]
struct Best {
    value: Value,
    index: Value,
}

/// Bindings: x, ids.
pub(super) fn argmax(k: &Argmax, mut w: Writer) -> Result<Emitted, KernelError> {
    let row = w.group("x");
    let x = at_row(&mut w, 0, &row, k.x_stride);
    let best = of_lane(k.v, &mut w, &x, None);
    let best = of_group(&mut w, &best);
    let lane = w.lane();
    let first = w.int_is_const("eq", &lane, 0);
    w.when(&first, |w| {
        let start = w.start(1);
        let at = w.add(&start, &row);
        store_index(w, &at, &best);
    });
    w.finish([k.m, 1, 1])
}

/// Stores an index to binding 1; 0 if there is no element.
fn store_index(w: &mut Writer, at: &Value, best: &Best) {
    let zero = w.int(0);
    let nothing = w.int_is_const("eq", &best.index, NONE);
    let index = w.choose(&nothing, &zero, &best.index, "i32");
    w.store(1, at, &index);
}

pub(super) fn top_bindings(k: &TopK) -> Vec<Binding> {
    let binding = |name, dtype, access, elements| Binding {
        name,
        dtype,
        access,
        elements,
    };
    vec![
        binding("x", k.x, Access::Read, extent(&[(k.m, k.x_stride)], k.v)),
        binding("ids", k.ids, Access::Write, k.m * k.k),
        binding("values", k.values, Access::Write, k.m * k.k),
    ]
}

pub(super) fn check_top(k: &TopK) -> Result<(), KernelError> {
    sizes("top-k", &[k.m, k.v, k.k])?;
    float("x", k.x)?;
    float("the values", k.values)?;
    stride("x", k.x_stride, k.v)?;
    if k.k > 64 || k.k > k.v || !matches!(k.ids, DType::I32 | DType::I64) {
        return unsupported(format!(
            "top {} of {} as {}: kernels give 64 at most, no more than there are, as i32 or i64",
            k.k,
            k.v,
            k.ids.name()
        ));
    }
    Ok(())
}

/// Bindings: x, ids, values. Each round finds the largest of what comes after the one found before.
pub(super) fn top(k: &TopK, mut w: Writer) -> Result<Emitted, KernelError> {
    let row = w.group("x");
    let x = at_row(&mut w, 0, &row, k.x_stride);
    let (most, before) = (w.float(f32::INFINITY), w.int(-1));
    let (from, to) = (w.int(0), w.int(k.k));
    w.each(
        (&from, &to, 1),
        &[("f32", most), ("i32", before)],
        |w, round, last| {
            let last = Best {
                value: last[0].clone(),
                index: last[1].clone(),
            };
            let best = of_lane(k.v, w, &x, Some(&last));
            let best = of_group(w, &best);
            let lane = w.lane();
            let first = w.int_is_const("eq", &lane, 0);
            w.when(&first, |w| {
                let at = w.mul_add(&row, k.k, round);
                let (ids, values) = (w.start(1), w.start(2));
                let (id_at, value_at) = (w.add(&ids, &at), w.add(&values, &at));
                store_index(w, &id_at, &best);
                w.store(2, &value_at, &best.value);
            });
            vec![best.value, best.index]
        },
    );
    w.finish([k.m, 1, 1])
}

/// The best of this lane's elements lane, lane + lanes, ..., or of those that come after `last`.
fn of_lane(v: i64, w: &mut Writer, x: &Value, last: Option<&Best>) -> Best {
    let (least, none) = (w.float(f32::NEG_INFINITY), w.int(NONE));
    let mut best = vec![("f32", least), ("i32", none)];
    let (lane, lanes) = (w.lane(), w.lanes());
    let whole = v - v % (SIDE * lanes);
    if whole > 0 {
        let to = w.int(whole);
        let next = w.each((&lane, &to, SIDE * lanes), &best.clone(), |w, i, best| {
            let places: Vec<Value> = (0..SIDE).map(|j| w.add_const(i, j * lanes)).collect();
            let values: Vec<Value> = places.iter().map(|i| at(w, x, i)).collect();
            let mut best = best.to_vec();
            for (i, value) in places.iter().zip(&values) {
                best = step(w, &best, (value, i), last);
            }
            best
        });
        best.iter_mut()
            .zip(next)
            .for_each(|(slot, next)| slot.1 = next);
    }
    if v > whole {
        let x = w.add_const(x, whole);
        let next = w.each_of_lane(v - whole, &best.clone(), |w, i, best| {
            let value = at(w, &x, i);
            let i = w.add_const(i, whole);
            step(w, best, (&value, &i), last)
        });
        best.iter_mut()
            .zip(next)
            .for_each(|(slot, next)| slot.1 = next);
    }
    let [(_, value), (_, index)] = best.try_into().expect("two of them");
    Best { value, index }
}

fn at(w: &mut Writer, x: &Value, i: &Value) -> Value {
    let at = w.add(x, i);
    w.load(0, &at)
}

/// A later element wins if it is larger, or if there is none yet; a NaN does not.
fn step(
    w: &mut Writer,
    best: &[Value],
    (value, i): (&Value, &Value),
    last: Option<&Best>,
) -> Vec<Value> {
    let larger = w.float_is("ogt", value, &best[0]);
    let none = w.int_is_const("eq", &best[1], NONE);
    let as_large = w.float_is("oge", value, &best[0]);
    let first = w.op(format_args!("arith.andi {none}, {as_large} : i1"));
    let mut wins = w.op(format_args!("arith.ori {larger}, {first} : i1"));
    if let Some(last) = last {
        let smaller = w.float_is("olt", value, &last.value);
        let same = w.float_is("oeq", value, &last.value);
        let later = w.int_is("sgt", i, &last.index);
        let later = w.op(format_args!("arith.andi {same}, {later} : i1"));
        let after = w.op(format_args!("arith.ori {smaller}, {later} : i1"));
        wins = w.op(format_args!("arith.andi {wins}, {after} : i1"));
    }
    vec![
        w.choose(&wins, value, &best[0], "f32"),
        w.choose(&wins, i, &best[1], "i32"),
    ]
}

/// The better of two: the larger, the earlier of equals.
fn better(w: &mut Writer, a: &Best, b: &Best) -> Best {
    let larger = w.float_is("ogt", &b.value, &a.value);
    let same = w.float_is("oeq", &b.value, &a.value);
    let earlier = w.int_is("slt", &b.index, &a.index);
    let earlier = w.op(format_args!("arith.andi {same}, {earlier} : i1"));
    let wins = w.op(format_args!("arith.ori {larger}, {earlier} : i1"));
    Best {
        value: w.choose(&wins, &b.value, &a.value, "f32"),
        index: w.choose(&wins, &b.index, &a.index, "i32"),
    }
}

/// The best of all lanes, in every lane.
fn of_group(w: &mut Writer, best: &Best) -> Best {
    let (lanes, lane) = (w.lanes(), w.lane());
    let some = 1 << (lanes.ilog2() / 2);
    let memory = [w.shared("f32", lanes + some), w.shared("i32", lanes + some)];
    put(w, &memory, &lane, best);
    w.barrier();
    let folds = w.int_is_const("slt", &lane, some);
    w.when(&folds, |w| {
        let best = fold(w, &memory, &lane, (lanes / some, some));
        let at = w.add_const(&lane, lanes);
        put(w, &memory, &at, &best);
    });
    w.barrier();
    let from = w.int(lanes);
    fold(w, &memory, &from, (some, 1))
}

fn put(w: &mut Writer, [values, indices]: &[Shared; 2], at: &Value, best: &Best) {
    w.shared_store(values, at, &best.value);
    w.shared_store(indices, at, &best.index);
}

/// The best of `count`, `step` apart.
fn fold(
    w: &mut Writer,
    [values, indices]: &[Shared; 2],
    from: &Value,
    (count, step): (i64, i64),
) -> Best {
    let get = |w: &mut Writer, i: i64| {
        let at = w.add_const(from, i * step);
        Best {
            value: w.shared_load(values, &at),
            index: w.shared_load(indices, &at),
        }
    };
    let mut best = get(w, 0);
    for i in 1..count {
        let next = get(w, i);
        best = better(w, &best, &next);
    }
    best
}
