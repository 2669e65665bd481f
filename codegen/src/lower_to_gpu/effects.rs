//! Which buffers an op reads and writes.

use super::view::View;
use crate::plan_memory::is_view;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::model_ops::is_model_op;

/// Root buffers, in no order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effects {
    pub(crate) reads: Vec<Value>,
    pub(crate) writes: Vec<Value>,
    /// Something is touched that cannot be traced to its root.
    pub(crate) unknown: bool,
}

impl Effects {
    /// Of `op` and the ops in it.
    pub(crate) fn of(op: Op) -> Effects {
        let mut effects = Effects::default();
        effects.add(op);
        effects
    }

    /// Whether the two may run in either order.
    pub(crate) fn commutes(&self, other: &Effects) -> bool {
        let meet = |a: &[Value], b: &[Value]| a.iter().any(|v| b.contains(v));
        !self.unknown
            && !other.unknown
            && !meet(&self.writes, &other.writes)
            && !meet(&self.reads, &other.writes)
            && !meet(&self.writes, &other.reads)
    }

    fn add(&mut self, op: Op) {
        let memrefs: Vec<(usize, Value)> = op
            .operands()
            .enumerate()
            .filter(|(_, v)| v.ty().is_memref())
            .collect();
        let last = op.operands().len().saturating_sub(1);
        match op.name() {
            "memref.alloc" | "memref.dealloc" | "memref.get_global" | "memref.dim" => {}
            name if is_view(name) => {}
            "memref.load" => self.touch(&memrefs, |_| (true, false)),
            "memref.copy" => self.touch(&memrefs, |i| (i == 0, i == 1)),
            "linalg.softmax" => self.touch(&memrefs, |i| (i != last, i == last)),
            name if is_model_op(op) || name == "linalg.transpose" => {
                self.touch(&memrefs, |i| (i != last, i == last))
            }
            name if name.starts_with("linalg.") && op.attr("operandSegmentSizes").is_some() => {
                let inputs = op
                    .attr("operandSegmentSizes")
                    .and_then(|a| a.as_i32_array());
                let inputs = inputs.and_then(|s| s.first().copied()).unwrap_or(0) as usize;
                self.touch(&memrefs, |i| (true, i >= inputs));
            }
            _ => self.touch(&memrefs, |_| (true, true)),
        }
        // of a structured op, too: its body may look elements up
        let inner = op.blocks().into_iter().flat_map(|b| b.ops());
        inner.for_each(|op| self.add(op));
    }

    fn touch(&mut self, memrefs: &[(usize, Value)], how: impl Fn(usize) -> (bool, bool)) {
        for (i, value) in memrefs {
            let Some(root) = root(*value) else {
                self.unknown = true;
                continue;
            };
            let (reads, writes) = how(*i);
            if reads {
                self.reads.push(root);
            }
            if writes {
                self.writes.push(root);
            }
        }
    }
}

/// The buffer that `value` is part of. Unlike [`View::of`], sizes may be dynamic.
fn root(mut value: Value) -> Option<Value> {
    if let Ok(view) = View::of(value) {
        return Some(view.root);
    }
    while let Some(op) = value.def() {
        match op.name() {
            "memref.alloc" | "memref.get_global" => break,
            name if is_view(name) => value = op.operand(0)?,
            _ => return None,
        }
    }
    Some(value)
}
