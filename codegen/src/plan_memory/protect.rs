//! Arguments that are no results stay what they were.
//!
//! `spec-prepare-entry` allows bufferization to write to a cache that comes back updated. Where the old cache is used after its update,
//! bufferization may put the update elsewhere, and other things into the old one.

use super::aliases;
use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Block, Op, Value};
use std::collections::HashSet;

/// Copies those of the arguments `writable` that are written to, but are not in `results`, before anything else; the copy is written to
/// instead.
pub(super) fn protect(body: Block, writable: &[i64], results: &[i64]) {
    let Some(first) = body.ops().first().copied() else {
        return;
    };
    let scratch = body.args().into_iter().filter(|arg| {
        let index = arg.index() as i64;
        writable.contains(&index) && !results.contains(&index) && is_written(*arg)
    });
    for arg in scratch.collect::<Vec<_>>() {
        let at = Cursor::before(first);
        let segments = [("operandSegmentSizes", at.attr("array<i32: 0, 0>"))];
        let copy = at.one("memref.alloc", &[], arg.ty(), &segments);
        arg.replace_all_uses(copy);
        at.op("memref.copy", &[arg, copy], &[], &[], &[]);
    }
}

/// Whether something is written through `value`, as far as can be told.
fn is_written(value: Value) -> bool {
    let mut seen = HashSet::new();
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        if !seen.insert(value) {
            continue;
        }
        for (user, index) in value.uses() {
            let out = aliases(user);
            if out.is_empty() && !only_reads(user, index) {
                return true;
            }
            todo.extend(out);
        }
    }
    false
}

/// Whether `user` does no more than read its operand `index`.
fn only_reads(user: Op, index: usize) -> bool {
    let name = user.name();
    match name {
        "memref.copy" => index == 0,
        "memref.load" | "memref.dim" | "scf.yield" | "scf.condition" | "func.return" => true,
        _ if name.starts_with("spec.") => index + 1 < user.operands().len(),
        _ if name.starts_with("linalg.") => {
            // a bare list of inputs and outputs, but for ops of one input and one output
            let text = user
                .attr("operandSegmentSizes")
                .map(|a: Attr| a.to_string());
            let inputs = text.and_then(|t| {
                let list = t.trim_start_matches("array<i32:").trim_end_matches('>');
                list.split(',').next()?.trim().parse::<usize>().ok()
            });
            index < inputs.unwrap_or(user.operands().len() - 1)
        }
        _ => false,
    }
}
