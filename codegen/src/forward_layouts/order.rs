//! Places of ops in a block, and what happens between two of them.

use super::memory::{Effect, effects, may_overlap, root};
use spec_dialect::ffi::{Block, Op, Value};
use std::collections::HashMap;
use std::ops::Range;

/// The ops of a block, in order.
pub(super) struct Order {
    ops: Vec<Op>,
    places: HashMap<Op, usize>,
}

impl Order {
    pub(super) fn of(block: Block) -> Order {
        let ops = block.ops();
        let places = ops.iter().enumerate().map(|(i, op)| (*op, i)).collect();
        Order { ops, places }
    }

    pub(super) fn op(&self, place: usize) -> Op {
        self.ops[place]
    }

    /// The place of `op`, or of the op of the block that holds it.
    pub(super) fn place(&self, mut op: Op) -> Option<usize> {
        loop {
            match self.places.get(&op) {
                Some(place) => return Some(*place),
                None => op = op.parent()?,
            }
        }
    }

    /// Whether `op` is one of the block, not of a region in it.
    pub(super) fn holds(&self, op: Op) -> bool {
        self.places.contains_key(&op)
    }

    /// Whether no op in `range` touches `memory` (only writing counts if `writes`), leaving out what is done through `buffer`.
    pub(super) fn leaves(
        &self,
        range: Range<usize>,
        memory: Value,
        writes: bool,
        buffer: Option<Value>,
    ) -> bool {
        let is_harmless = |e: Effect| {
            (writes && !e.writes)
                || buffer.is_some_and(|b| root(e.value) == b)
                || !may_overlap(e.value, memory)
        };
        (self.ops[range].iter())
            .all(|op| effects(*op).is_some_and(|all| all.into_iter().all(is_harmless)))
    }

    /// The ops that must move in front of `place` for `value` to be there; `None` if one of them cannot.
    pub(super) fn to_hoist(&self, value: Value, place: usize) -> Option<Vec<Op>> {
        let (mut found, mut todo) = (vec![], vec![value]);
        while let Some(value) = todo.pop() {
            // what the block does not hold is there before all of it
            let Some(def) = value.def().filter(|d| self.holds(*d)) else {
                continue;
            };
            let at = self.place(def)?;
            if at < place || found.contains(&def) {
                continue;
            }
            let needed = self.needed_with(def, place..at)?;
            let inner = needed.iter().flat_map(|op| op.nested());
            todo.extend(inner.flat_map(|op| op.operands().collect::<Vec<_>>()));
            found.extend(needed);
        }
        found.sort_by_key(|op| self.place(*op));
        found.dedup();
        Some(found)
    }

    /// `op`, and what must move with it, to give the same in front of the ops in `range`.
    fn needed_with(&self, op: Op, range: Range<usize>) -> Option<Vec<Op>> {
        match op.name() {
            "memref.alloc" => Some(vec![op]),
            "memref.load" => {
                let from = op.operand(0)?;
                if self.leaves(range.clone(), from, true, None) {
                    return Some(vec![op]);
                }
                Some(vec![self.filler(from, range)?, op])
            }
            _ => (op.is_pure() && op.region_count() == 0).then_some(vec![op]),
        }
    }

    /// The linalg op that alone touches `memory` in `range`, if it would write the same in front of all that.
    fn filler(&self, memory: Value, range: Range<usize>) -> Option<Op> {
        let is_other = |at: &usize| !self.leaves(*at..at + 1, memory, false, None);
        let mut touching = range.clone().filter(is_other);
        let at = touching.next().filter(|_| touching.next().is_none())?;
        let op = self.ops[at];
        let before = range.start..at;
        let is_still = |e: Effect| match e.writes {
            true => root(e.value) == root(memory),
            false => self.leaves(before.clone(), e.value, true, None),
        };
        let is_linalg = op.name().starts_with("linalg.");
        (is_linalg && effects(op)?.into_iter().all(is_still)).then_some(op)
    }
}
