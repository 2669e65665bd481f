//! Which layouts the users of a buffer take.

use super::layout::Layout;
use super::memory::{Effect, own_effects};
use crate::plan_memory::is_view;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::model_ops::{is_model_op, operand_of_group};

/// Everything that is done with a buffer.
#[derive(Default)]
pub(super) struct Uses {
    /// Its views, each behind the one that it is a view of, with their layouts to be.
    pub(super) views: Vec<(Op, Layout)>,
    /// The ops that read or write it, through a view or not.
    pub(super) effects: Vec<Effect>,
}

impl Uses {
    /// Of `buffer` if it had the layout `new`, without what `without` does; `None` if an op does not take it, or does something unknown.
    pub(super) fn of(buffer: Value, new: &Layout, without: Op) -> Option<Uses> {
        let mut uses = Uses::default();
        uses.add(buffer, new, without)?;
        Some(uses)
    }

    fn add(&mut self, value: Value, new: &Layout, without: Op) -> Option<()> {
        let old = Layout::of(value.loc().ctx(), value.ty())?;
        for (user, operand) in value.uses() {
            if user == without {
                continue;
            }
            if is_view(user.name()) {
                if !is_used(user, without) {
                    continue;
                }
                let layout = new.through(user, &old)?;
                self.views.push((user, layout.clone()));
                self.add(user.results().next()?, &layout, without)?;
                continue;
            }
            let effects = own_effects(user)?;
            let effect = effects.into_iter().find(|e| e.operand == operand)?;
            if !takes(user, operand, new) {
                return None;
            }
            self.effects.push(effect);
        }
        Some(())
    }
}

/// Whether anything but `without` uses what `view` gives.
fn is_used(view: Op, without: Op) -> bool {
    let counts = |(user, _): (Op, usize)| match is_view(user.name()) {
        true => is_used(user, without),
        false => user != without,
    };
    view.results().any(|r| r.uses().into_iter().any(counts))
}

/// Whether operand `i` of `op` may have this layout.
fn takes(op: Op, i: usize, layout: &Layout) -> bool {
    let last = op.operands().len() - 1;
    let group = |g: usize| operand_of_group(op, g) == Some(i);
    let has_row_strides = match op.name() {
        "spec.linear" | "spec.norm" | "spec.rope" => i == 0 || i == last,
        "spec.attention" => !group(6),
        "spec.activation" => true,
        "spec.embedding" => i == last,
        "spec.argmax" => i == 0,
        "memref.load" | "memref.store" => return true,
        "memref.copy" => true,
        "linalg.softmax" => false,
        name => name.starts_with("linalg.") && !is_model_op(op),
    };
    match has_row_strides {
        true => layout.has_rows(),
        false => layout.is_dense(),
    }
}
