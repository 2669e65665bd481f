//! What ops do to memory, and which memrefs may overlap.

use crate::plan_memory::is_view;
use spec_dialect::ffi::{Attr, Op, Value};
use spec_dialect::model_ops::is_model_op;

/// How an op uses one of its memrefs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    pub(super) value: Value,
    /// Number of the operand.
    pub(super) operand: usize,
    pub(super) op: Op,
    /// Whether the op may write to it; it may read it in any case.
    pub(super) writes: bool,
}

/// What `op` and the ops in its regions do to memory; `None` if that is not known.
pub(super) fn effects(op: Op) -> Option<Vec<Effect>> {
    let mut all = vec![];
    for inner in op.nested() {
        all.extend(own_effects(inner)?);
    }
    Some(all)
}

/// The same without the regions.
pub(super) fn own_effects(op: Op) -> Option<Vec<Effect>> {
    let name = op.name();
    let is_silent = matches!(
        name,
        "memref.alloc" | "memref.alloca" | "memref.dim" | "cf.assert" | "func.return"
    );
    if is_silent || is_view(name) || name.starts_with("scf.") {
        return Some(vec![]);
    }
    let count = op.operands().len();
    let first_output = match name {
        "memref.load" => count,
        "memref.store" | "memref.copy" => 1,
        _ if is_model_op(op) => count - 1,
        _ if name.starts_with("linalg.") => first_output(op, count),
        _ if op.is_pure() => count,
        _ => return None,
    };
    if name != "memref.get_global" && op.results().any(|r| r.ty().is_memref()) {
        return None; // what it hands on may be any of its operands
    }
    let memrefs = op
        .operands()
        .enumerate()
        .filter(|(_, v)| v.ty().is_memref());
    let effect = |(operand, value)| Effect {
        value,
        operand,
        op,
        writes: match name {
            "memref.store" => operand == 1,
            _ => operand >= first_output,
        },
    };
    Some(memrefs.map(effect).collect())
}

/// Number of the first operand that a linalg op writes; 0 if it does not say.
fn first_output(op: Op, count: usize) -> usize {
    let segments = op.attr("operandSegmentSizes").and_then(Attr::as_i32_array);
    match (segments.as_deref(), op.name()) {
        (Some([inputs, _]), _) => *inputs as usize,
        (_, "linalg.transpose" | "linalg.broadcast" | "linalg.softmax" | "linalg.map") => count - 1,
        (_, "linalg.yield" | "linalg.index") => count,
        _ => 0,
    }
}

/// What `value` is a view of.
pub(super) fn root(mut value: Value) -> Value {
    while let Some((_, source)) = view_of(value) {
        value = source;
    }
    value
}

/// The view op that `value` is a result of, and its source.
fn view_of(value: Value) -> Option<(Op, Value)> {
    let op = value.def().filter(|o| is_view(o.name()))?;
    Some((op, op.operand(0)?))
}

/// Whether two memrefs may share memory. Arguments of a function are distinct buffers.
pub(super) fn may_overlap(a: Value, b: Value) -> bool {
    let (root_a, root_b) = (root(a), root(b));
    if root_a == root_b {
        return !are_disjoint_parts(a, b, root_a);
    }
    let apart = match (global(root_a), global(root_b)) {
        (Some(a), Some(b)) => a != b,
        (Some(_), None) => is_own(root_b),
        (None, Some(_)) => is_own(root_a),
        (None, None) => is_own(root_a) && is_own(root_b),
    };
    !(apart || is_private(root_a) || is_private(root_b))
}

/// Whether `value` is a buffer of its own: an allocation, or an argument of a function.
fn is_own(value: Value) -> bool {
    match value.arg_block().and_then(|b| b.parent()) {
        Some(parent) => parent.name() == "func.func",
        None => is_alloc(value),
    }
}

/// The global that `value` is.
fn global(value: Value) -> Option<Attr> {
    let op = value.def().filter(|o| o.name() == "memref.get_global")?;
    op.attr("name")
}

pub(super) fn is_alloc(value: Value) -> bool {
    value.def().is_some_and(|o| o.name() == "memref.alloc")
}

/// Whether `value` is an allocation that nothing but its views stands for: it is not handed on to loops, branches or functions.
fn is_private(value: Value) -> bool {
    is_alloc(value) && stays(value)
}

/// Whether all uses of `value` are views that stay, too, or known effects.
fn stays(value: Value) -> bool {
    value.uses().into_iter().all(|(user, operand)| {
        if is_view(user.name()) {
            return user.results().all(stays);
        }
        let effects = own_effects(user).unwrap_or_default();
        user.name() == "func.return" || effects.iter().any(|e| e.operand == operand)
    })
}

/// Whether `a` and `b` are, or come from, subviews of `whole` that have no index of some dimension in common.
fn are_disjoint_parts(a: Value, b: Value, whole: Value) -> bool {
    match outermost(a, whole).zip(outermost(b, whole)) {
        Some((a, b)) if a != b => apart_in_some_dimension(a, b).unwrap_or(false),
        Some((part, _)) => match part.results().next() {
            Some(part) => are_disjoint_parts(a, b, part),
            None => false,
        },
        None => false,
    }
}

/// The first of the views that lead from `whole` to `value`.
fn outermost(mut value: Value, whole: Value) -> Option<Op> {
    loop {
        let (op, source) = view_of(value)?;
        if source == whole {
            return Some(op);
        }
        value = source;
    }
}

/// Whether two subviews of one memref are disjoint by their static offsets in some dimension.
fn apart_in_some_dimension(a: Op, b: Op) -> Option<bool> {
    let ranges = |op: Op| {
        let list = |name: &str| op.attr(name)?.as_i64_array();
        let (offsets, sizes) = (list("static_offsets")?, list("static_sizes")?);
        let steps = list("static_strides")?;
        let range = |((offset, size), step): ((i64, i64), i64)| {
            let is_static = [offset, size, step].iter().all(|n| *n >= 0);
            is_static.then(|| (offset, offset + (size - 1) * step))
        };
        let dims = offsets.into_iter().zip(sizes).zip(steps);
        Some(dims.map(range).collect::<Vec<_>>())
    };
    let (a, b) = (ranges(a)?, ranges(b)?);
    let mut dims = a.into_iter().zip(b).filter_map(|(a, b)| a.zip(b));
    Some(dims.any(|((a, a_last), (b, b_last))| a_last < b || b_last < a))
}
