//! Loops and ops on vectors.

use super::structure::Operand;
use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Attr, MapResult, Op, Type, Value, new_block};
use std::collections::HashMap;

/// The indices of the loops around; `None`: not in that loop yet.
pub(super) type Indices = Vec<Option<Value>>;

/// `indices`, in loop `dim` at `index`.
pub(super) fn with(indices: &Indices, dim: usize, index: Value) -> Indices {
    let mut indices = indices.clone();
    indices[dim] = Some(index);
    indices
}

/// A loop over 0, `step`, ... below `size`; what its last round hands on, if rounds hand on something. One round needs no loop.
pub(super) fn repeat(
    at: Cursor,
    size: u64,
    step: u64,
    first: Option<Value>,
    round: impl FnOnce(Cursor, Value, Option<Value>) -> Option<Value>,
) -> Option<Value> {
    if size <= step {
        return round(at, at.index(0), first);
    }
    let bounds = [at.index(0), at.index(size), at.index(step)];
    let carried: Vec<Type> = first.iter().map(|v| v.ty()).collect();
    let types = [&[bounds[0].ty()], &carried[..]].concat();
    let block = new_block(&types, at.loc());
    let inside = at.at_end(block);
    let args = block.args();
    let passed = round(inside, args[0], args.get(1).copied());
    let passed: Vec<Value> = passed.into_iter().collect();
    inside.op("scf.yield", &passed, &[], &[], &[]);
    let operands: Vec<Value> = bounds.into_iter().chain(first).collect();
    let all = at.op("scf.for", &operands, &carried, &[], &[vec![block]]);
    all.results().next()
}

/// The operand, then the indices at which `indices` find it.
pub(super) fn address(at: Cursor, operand: &Operand, indices: &Indices) -> Vec<Value> {
    let subscripts = operand.map.results.iter().map(|r| match r {
        MapResult::Dim(dim) => indices[*dim].unwrap_or_else(|| at.index(0)),
        MapResult::Const(c) => at.index(c.unsigned_abs()),
        MapResult::Other => unreachable!("refused by `Structure::of`"),
    });
    std::iter::once(operand.value).chain(subscripts).collect()
}

/// The type of n such scalars.
pub(super) fn vector(at: Cursor, scalar: Type, n: u64) -> Type {
    at.ty(&format!("vector<{n}x{scalar}>"))
}

/// n copies.
pub(super) fn broadcast(at: Cursor, scalar: Value, n: u64) -> Value {
    let ty = vector(at, scalar.ty(), n);
    at.one("vector.broadcast", &[scalar], ty, &[])
}

/// These elements of `a` and, behind them, `b`, which are vectors of one type with elements `scalar`.
pub(super) fn shuffle(
    at: Cursor,
    scalar: Type,
    [a, b]: [Value; 2],
    elements: impl Iterator<Item = u64>,
) -> Value {
    let elements: Vec<i64> = elements.map(|e| e as i64).collect();
    let ty = vector(at, scalar, elements.len() as u64);
    let mask = [("mask", Attr::i64_array(at.loc().ctx(), &elements))];
    at.one("vector.shuffle", &[a, b], ty, &mask)
}

/// A body of scalars, written for vectors of n.
pub(super) struct Lanes {
    pub(super) n: u64,
    /// Vectors of values of the body.
    known: HashMap<Value, Value>,
}

impl Lanes {
    pub(super) fn new(n: u64) -> Self {
        let known = HashMap::new();
        Self { n, known }
    }

    /// `scalar` is `vector`.
    pub(super) fn set(&mut self, scalar: Value, vector: Value) {
        self.known.insert(scalar, vector);
    }

    /// The vector of a value: of the body, or else from outside and the same for all lanes.
    pub(super) fn get(&mut self, at: Cursor, scalar: Value) -> Value {
        let n = self.n;
        *(self.known.entry(scalar)).or_insert_with(|| broadcast(at, scalar, n))
    }

    /// An elementwise op of the body.
    pub(super) fn copy(&mut self, at: Cursor, op: Op) {
        if op.operands().len() == 0 {
            let constant = op.duplicate();
            at.insert(constant);
            let all = broadcast(at, result(constant, 0), self.n);
            self.set(result(op, 0), all);
            return;
        }
        let operands: Vec<Value> = op.operands().map(|v| self.get(at, v)).collect();
        let types: Vec<Type> = (op.results()).map(|v| vector(at, v.ty(), self.n)).collect();
        let new = at.op(op.name(), &operands, &types, &op.attrs(), &[]);
        for (old, new) in op.results().zip(new.results()) {
            self.set(old, new);
        }
    }
}
