//! Makes loops hand a tensor on in the buffer in which they got it.

use super::is_form_of;
use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Op, Value, new_block};

/// Copies what a trip hands on into the argument that it came in by, in all loops of a function. Updated forms of that argument are
/// there already.
pub(super) fn carry_in_place(function: Op) {
    for op in function.nested() {
        match op.name() {
            "scf.for" => carry(op, 1),
            "scf.while" if passes_all_on(op) => carry(op, 0),
            _ => {}
        }
    }
}

/// Whether a `while` hands all that it carries to its body, in order.
fn passes_all_on(op: Op) -> bool {
    let blocks = op.blocks();
    let [before, _] = blocks[..] else {
        return false;
    };
    let passed = before
        .terminator()
        .map_or(vec![], |t| t.operands().skip(1).collect());
    passed == before.args()
}

/// `first`: number of the body's arguments that are not carried.
fn carry(op: Op, first: usize) {
    let blocks = op.blocks();
    let Some((body, end)) = blocks.last().and_then(|b| Some((*b, b.terminator()?))) else {
        return;
    };
    let args: Vec<Value> = body.args().into_iter().skip(first).collect();
    let at = Cursor::before(end);
    let moved: Vec<usize> = (0..args.len())
        .filter(|i| is_tensor(args[*i]))
        .filter(|i| end.operand(*i).is_some_and(|v| !is_form_of(v, args[*i])))
        .collect();
    // what may be (a view of) an argument that is written to here is copied first
    let is_fresh = |v: Value| v.def().is_some_and(|d| d.name().starts_with("linalg."));
    let values: Vec<Value> = (moved.iter())
        .filter_map(|i| end.operand(*i))
        .map(|v| if is_fresh(v) { v } else { copy(at, v) })
        .collect();
    for (i, value) in moved.into_iter().zip(values) {
        end.set_operand(i, copy_into(at, value, args[i]));
    }
}

/// `linalg.copy`. (`bufferization.materialize_in_destination` says the same, but must be in place, and has bufferization fail on loops
/// that hand on what stands outside of them.)
fn copy_into(at: Cursor, value: Value, into: Value) -> Value {
    let element = at.element_type(value.ty().shape().element);
    let block = new_block(&[element; 2], at.loc());
    let first = block.args().first().copied();
    at.at_end(block)
        .op("linalg.yield", first.as_slice(), &[], &[], &[]);
    let segments = [("operandSegmentSizes", at.attr("array<i32: 1, 1>"))];
    let copy = at.op(
        "linalg.copy",
        &[value, into],
        &[into.ty()],
        &segments,
        &[vec![block]],
    );
    result(copy, 0)
}

fn is_tensor(value: Value) -> bool {
    value.ty().shape().is_shaped && !value.ty().is_memref()
}

fn copy(at: Cursor, value: Value) -> Value {
    let segments = [("operandSegmentSizes", at.attr("array<i32: 0, 1, 0>"))];
    at.one(
        "bufferization.alloc_tensor",
        &[value],
        value.ty(),
        &segments,
    )
}
