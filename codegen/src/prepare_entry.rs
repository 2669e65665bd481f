//! Says which buffers bufferization may write to: caches that a function hands back, and what its loops carry.
//!
//! *Before*: functions on tensors.
//!
//! ```mlir
//! func.func @decode(%w: tensor<4x4xf32>, %k: tensor<8x4xf32>, %row: tensor<1x4xf32>, %p: index) -> tensor<8x4xf32> {
//!   %0 = tensor.insert_slice %row into %k[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
//!   return %0 : tensor<8x4xf32>
//! }
//! ```
//!
//! *After*: only the cache may be written to.
//!
//! ```mlir
//! func.func @decode(%w: tensor<4x4xf32> {bufferization.writable = false}, %k: tensor<8x4xf32> {bufferization.writable = true},
//!     %row: tensor<1x4xf32> {bufferization.writable = false}, %p: index) -> tensor<8x4xf32> attributes {writable_arguments = array<i64: 1>} {
//!   %0 = tensor.insert_slice %row into %k[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
//!   return %0 : tensor<8x4xf32>
//! }
//! ```
//!
//! *Why here*: without the mark, bufferization takes every argument for scratch memory, and a weight could be overwritten;
//! with `false` on a cache it would copy it each token.
//!
//! *Legality*: an argument is writable if a returned value is that argument after insertions (`tensor.insert_slice`, casts,
//! reshapes, slices of all of it, loops over them): who calls the function gets the updated cache where the old one was. What else a loop hands to its next
//! trip is copied into the tensor that it came in (`linalg.copy`, which changes no value): it has one buffer. Every use of a
//! `tensor.empty` gets one of its own.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-raise`, before `one-shot-bufferize`.
//!
//! *Does not do*: it does not look at declarations, at functions without tensors, or at what attributes say already. A `while` whose
//! condition hands on other things than it got, in order, is left as it is; bufferization may refuse it.

mod carried;

use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Op, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use std::collections::HashSet;

/// The pass.
#[derive(Clone, Default)]
pub struct PrepareEntry;

const WRITABLE: &str = "bufferization.writable";
/// The same for `spec-plan-memory`: bufferization takes its own attributes away.
pub(crate) const WRITABLE_ARGUMENTS: &str = "writable_arguments";

impl Pass for PrepareEntry {
    const DESC: PassDesc = PassDesc {
        argument: "spec-prepare-entry",
        name: "SpecPrepareEntry",
        help: "Mark the arguments that bufferization may write to: updated caches, and no others",
        op: "func.func",
        dialects: &[Dependency::Bufferization, Dependency::Linalg],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let Some(body) = function.body() else {
            return Ok(());
        };
        reshape_whole_slices(function);
        carried::carry_in_place(function);
        split_empties(function);
        let returned = body.terminator().into_iter().flat_map(Op::operands);
        let mut updated = HashSet::new();
        for value in returned {
            if let Some(root) = updated_argument(value) {
                updated.insert(root);
            }
        }
        mark(function, &body.args(), &updated);
        // it speaks of tensors and results; buffers have neither
        function.remove_attr("spec.model");
        Ok(())
    }
}

/// Gives every use of an empty tensor one of its own. Bufferization then sees that results which were written into "the same" empty
/// tensor are strangers; with one for all, its analysis takes time cubic in the number of layers.
fn split_empties(function: Op) {
    let is_plain = |o: &Op| o.name() == "tensor.empty" && o.operands().len() == 0;
    for empty in function.nested().into_iter().filter(is_plain) {
        let uses = empty.results().next().map(Value::uses).unwrap_or_default();
        for (user, operand) in uses.into_iter().skip(1) {
            let own = empty.duplicate();
            user.insert_before(own);
            if let Some(value) = own.results().next() {
                user.set_operand(operand, value);
            }
        }
    }
}

/// A slice that is all of a tensor with fewer dimensions, as the layer of a model that has one, becomes a reshape: it is a form of the
/// tensor then, and an insertion into it one into the tensor.
fn reshape_whole_slices(function: Op) {
    let is_slice = |o: &Op| o.name() == "tensor.extract_slice" && o.operands().len() == 1;
    for slice in function.nested().into_iter().filter(is_slice) {
        let (Some(whole), Some(part)) = (slice.operand(0), slice.results().next()) else {
            continue;
        };
        let sizes = |v: Value| v.ty().shape().dims.into_iter().collect::<Option<Vec<_>>>();
        let (Some(from), Some(to)) = (sizes(whole), sizes(part)) else {
            continue;
        };
        let Some(groups) = groups(&from, &to) else {
            continue;
        };
        let at = Cursor::before(slice);
        let attrs = [("reassociation", at.attr(&format!("{groups:?}")))];
        let reshaped = at.one("tensor.collapse_shape", &[whole], part.ty(), &attrs);
        part.replace_all_uses(reshaped);
        slice.erase();
    }
}

/// Which dimensions of `from` make each one of `to`, where `to` is `from` without some dimensions of size 1, and has some left. None if it is
/// anything else.
fn groups(from: &[u64], to: &[u64]) -> Option<Vec<Vec<usize>>> {
    let all = |sizes: &[u64]| sizes.iter().try_fold(1_u64, |a, b| a.checked_mul(*b));
    if to.is_empty() || to.len() >= from.len() || all(from)? != all(to)? {
        return None;
    }
    let mut groups: Vec<Vec<usize>> = vec![];
    let mut next = 0;
    for size in to {
        let mut group = vec![];
        loop {
            let own = *from.get(next)?;
            group.push(next);
            next += 1;
            match own {
                _ if own == *size => break,
                1 => {}
                _ => return None,
            }
        }
        groups.push(group);
    }
    let rest = next..from.len();
    if rest.clone().any(|i| from[i] != 1) {
        return None;
    }
    groups.last_mut()?.extend(rest);
    Some(groups)
}

/// The function argument that `value` is an updated form of.
fn updated_argument(mut value: Value) -> Option<Value> {
    while let Some(before) = previous_form(value) {
        value = before;
    }
    let owner = value.arg_block()?.parent()?;
    (owner.name() == "func.func").then_some(value)
}

/// What `value` was before the last insertion into it, or before the loop that carries it and hands on updated forms of it only.
fn previous_form(value: Value) -> Option<Value> {
    if let Some(op) = value.def() {
        return match op.name() {
            "tensor.insert_slice" | "spec.commit" => op.operand(1),
            "tensor.cast" | "tensor.expand_shape" | "tensor.collapse_shape" => op.operand(0),
            "scf.for" => {
                let (body, i) = (op.body()?, value.index());
                let carried = is_form_of(body.terminator()?.operand(i)?, *body.args().get(1 + i)?);
                op.operand(3 + i).filter(|_| carried)
            }
            "scf.while" => passed_on(op, value.index()),
            _ => None,
        };
    }
    let block = value.arg_block()?;
    let owner = block.parent().filter(|o| o.name() == "scf.while")?;
    let (before, body) = (*owner.blocks().first()?, *owner.blocks().last()?);
    if block == body {
        return passed_on(owner, value.index());
    }
    let end = body.terminator()?;
    let carried = block == before && is_form_of(end.operand(value.index())?, value);
    owner.operand(value.index()).filter(|_| carried)
}

/// Whether `value` is an updated form of `of`, or `of` itself.
fn is_form_of(mut value: Value, of: Value) -> bool {
    while value != of {
        if value.arg_block().is_some() && value.arg_block() == of.arg_block() {
            return false; // the form of another thing that the loop carries
        }
        match previous_form(value) {
            Some(before) => value = before,
            None => return false,
        }
    }
    true
}

/// What the condition of a loop hands to the body and, at the end, out of the loop as value `i`.
fn passed_on(while_op: Op, i: usize) -> Option<Value> {
    let condition = while_op.blocks().first()?.terminator()?;
    condition.operand(1 + i)
}

fn mark(function: Op, args: &[Value], updated: &HashSet<Value>) {
    let ctx = function.ctx();
    let old = function.attr("arg_attrs").and_then(Attr::elements);
    let attrs: Vec<Attr> = (args.iter().enumerate())
        .map(|(i, arg)| {
            let old = old.as_ref().and_then(|o| o.get(i)).copied();
            let mut entries = old.and_then(Attr::entries).unwrap_or_default();
            let is_tensor = arg.ty().shape().is_shaped && !arg.ty().is_memref();
            if is_tensor && entries.iter().all(|(name, _)| *name != WRITABLE) {
                let value = Attr::parse(ctx, &updated.contains(arg).to_string());
                entries.extend(value.map(|v| (WRITABLE, v)));
            }
            Attr::dictionary(ctx, &entries)
        })
        .collect();
    let writable = |a: &Attr| {
        a.entries().is_some_and(|e| {
            e.iter()
                .any(|(n, v)| *n == WRITABLE && v.to_string() == "true")
        })
    };
    let indices: Vec<i64> = (0..)
        .zip(&attrs)
        .filter(|(_, a)| writable(a))
        .map(|(i, _)| i)
        .collect();
    if !indices.is_empty() {
        function.set_attr(WRITABLE_ARGUMENTS, Attr::i64_array(ctx, &indices));
    }
    function.set_attr("arg_attrs", Attr::array(ctx, &attrs));
}
