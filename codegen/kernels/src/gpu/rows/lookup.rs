//! Rows of a table, by number.

use super::unravel;
use crate::gpu::{Emitted, Writer};
use crate::{Embedding, KernelError, Table, Value};

/// Bindings: ids, table, scale if quantised, y, status. One element per invocation.
pub(super) fn embedding(k: &Embedding, mut w: Writer) -> Result<Emitted, KernelError> {
    let y = 2 + usize::from(k.scale().is_some());
    let groups = w.each_item(k.m * k.n, |w, item| {
        let (token, i) = unravel(w, item, k.m, k.n);
        let id = row(k, w, &token, y + 1);
        let value = match k.table {
            Table::Dense(_) => element(k, w, &id, &i),
            Table::I8 { .. } => {
                let integer = element(k, w, &id, &i);
                scaled(k, w, &integer, (&id, &i))
            }
            Table::I4 { .. } => {
                let integer = nibble(k, w, &id, &i);
                scaled(k, w, &integer, (&id, &i))
            }
        };
        let start = w.start(y);
        let at = w.mul_add(&token, k.y_stride, &start);
        let at = w.add(&at, &i);
        w.store(y, &at, &value);
    });
    w.finish(groups)
}

/// The row of a token's id; row 0, and a note in the status, if the table has no such row.
fn row(k: &Embedding, w: &mut Writer, token: &Value, status: usize) -> Value {
    let at = w.start(0);
    let at = w.add(&at, token);
    let id = w.load(0, &at);
    let outside = w.int_is_const("uge", &id, k.v);
    w.when(&outside, |w| {
        let (at, one) = (w.start(status), w.int(1));
        w.store(status, &at, &one);
    });
    let zero = w.int(0);
    w.choose(&outside, &zero, &id, "i32")
}

/// Stored element `i` of a row.
fn element(k: &Embedding, w: &mut Writer, id: &Value, i: &Value) -> Value {
    let start = w.start(1);
    let (_, row) = k.stored();
    let at = w.mul_add(id, row, &start);
    let at = w.add(&at, i);
    w.load(1, &at)
}

/// Integer `i` of a row of nibbles: byte `i % 16` of its block of 32, the low half for the first 16.
fn nibble(k: &Embedding, w: &mut Writer, id: &Value, i: &Value) -> Value {
    let (block, byte) = (w.div(i, 32), w.rem(i, 16));
    let at = w.mul_add(&block, 16, &byte);
    let byte = element(k, w, id, &at);
    let half = w.div(i, 16);
    let half = w.rem(&half, 2);
    let shift = w.mul(&half, 4);
    let low = w.ints("shrui", &byte, &shift);
    let low = w.rem(&low, 16);
    w.add_const(&low, -8)
}

fn scaled(k: &Embedding, w: &mut Writer, integer: &Value, (id, i): (&Value, &Value)) -> Value {
    let group = k.scale().map_or(k.n, |(_, group)| group);
    let start = w.start(2);
    let at = w.mul_add(id, k.n / group, &start);
    let at = if group == k.n {
        at
    } else {
        let part = w.div(i, group);
        w.add(&at, &part)
    };
    let scale = w.load(2, &at);
    let value = w.to_float(integer);
    w.floats("mulf", &value, &scale)
}
