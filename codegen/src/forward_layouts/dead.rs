//! Buffers that nothing reads.

use super::memory::{is_alloc, own_effects, root};
use crate::plan_memory::is_view;
use spec_dialect::ffi::{Op, Value};

/// Erases allocations in `function` that nothing reads, and the ops that only write to them.
pub(super) fn erase_unread(function: Op) {
    loop {
        let allocations = (function.nested().into_iter()).filter(|o| o.name() == "memref.alloc");
        let unread = allocations.filter_map(|a| Some((a, writers(a.results().next()?)?)));
        let Some((alloc, writers)) = unread.into_iter().next() else {
            return;
        };
        writers.into_iter().for_each(Op::erase);
        erase_views(alloc);
        alloc.erase();
    }
}

/// Erases the views of what `op` gives; nothing uses them.
pub(super) fn erase_views(op: Op) {
    for (user, _) in op.results().flat_map(Value::uses) {
        erase_views(user);
        user.erase();
    }
}

/// The ops that use `buffer`, if all of them only write to it and do nothing else.
fn writers(buffer: Value) -> Option<Vec<Op>> {
    let (mut found, mut todo) = (vec![], vec![buffer]);
    while let Some(value) = todo.pop() {
        for (user, _) in value.uses() {
            if is_view(user.name()) {
                todo.extend(user.results());
            } else if !writes_only(user, buffer) {
                return None;
            } else if !found.contains(&user) {
                found.push(user);
            }
        }
    }
    Some(found)
}

/// Whether all that `op` does is to write to `buffer`. A bad token id is an error, whoever reads the row.
fn writes_only(op: Op, buffer: Value) -> bool {
    debug_assert!(is_alloc(buffer));
    let is_silent = |o: &Op| o.is_pure() && o.region_count() == 0;
    let Some(effects) = own_effects(op).filter(|_| op.name() != "spec.embedding") else {
        return false;
    };
    let mut written = effects.iter().filter(|e| e.writes).peekable();
    op.results().len() == 0
        && written.peek().is_some()
        && written.all(|e| root(e.value) == buffer)
        && op.nested().iter().skip(1).all(is_silent)
}
