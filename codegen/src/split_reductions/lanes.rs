//! A reduction as loops over vectors of partial results.

use super::emit::{Indices, Lanes, address, broadcast, repeat, shuffle, vector, with};
use super::structure::{Combiner, Operand, Structure};
use crate::cursor::Cursor;
use spec_dialect::ffi::{Type, Value};

/// Replaces `reduction` by loops, with lanes along loop `dim`.
pub(super) fn split(reduction: &Structure, dim: usize, combiner: Combiner, lanes: u64) {
    let at = Cursor::before(reduction.op);
    let split = Split {
        reduction,
        dim,
        combiner,
        lanes,
        scalar: at.element_type(reduction.output().shape.element),
    };
    let indices = vec![None; reduction.sizes.len()];
    split.outputs(at, &reduction.parallel(), indices);
    reduction.op.erase();
}

struct Split<'a> {
    reduction: &'a Structure,
    dim: usize,
    combiner: Combiner,
    lanes: u64,
    /// The output's element type.
    scalar: Type,
}

impl Split<'_> {
    /// The loops over the output's elements.
    fn outputs(&self, at: Cursor, loops: &[usize], indices: Indices) {
        let Some((dim, rest)) = loops.split_first() else {
            return self.element(at, &indices);
        };
        let size = self.reduction.sizes[*dim];
        repeat(at, size, 1, None, |at, index, _| {
            self.outputs(at, rest, with(&indices, *dim, index));
            None
        });
    }

    /// One element of the output.
    fn element(&self, at: Cursor, indices: &Indices) {
        let address = address(at, self.reduction.output(), indices);
        let old = at.one("memref.load", &address, self.scalar, &[]);
        let start = self.start(at, old);
        let outer: Vec<usize> = (self.reduction.reduced().into_iter())
            .filter(|d| *d != self.dim)
            .collect();
        let partial = self.reduce(at, &outer, indices.clone(), start);
        let all = self.halve(at, partial);
        let new = self.combine(at, old, all);
        at.op(
            "memref.store",
            &[&[new], &address[..]].concat(),
            &[],
            &[],
            &[],
        );
    }

    /// What changes nothing: -0 in sums, in extrema a value that they see anyway.
    fn start(&self, at: Cursor, old: Value) -> Value {
        if !self.combiner.is_sum {
            return broadcast(at, old, self.lanes);
        }
        let ty = vector(at, self.scalar, self.lanes);
        let zeros = at.attr(&format!("dense<-0.0> : {ty}"));
        at.one("arith.constant", &[], ty, &[("value", zeros)])
    }

    /// The loops over the other reduction dimensions.
    fn reduce(&self, at: Cursor, loops: &[usize], indices: Indices, so_far: Value) -> Value {
        let Some((dim, rest)) = loops.split_first() else {
            return self.row(at, &indices, so_far);
        };
        let size = self.reduction.sizes[*dim];
        let end = repeat(at, size, 1, Some(so_far), |at, index, so_far| {
            Some(self.reduce(at, rest, with(&indices, *dim, index), so_far?))
        });
        end.unwrap_or(so_far)
    }

    /// All of the split dimension: vectors of `lanes` elements, then the remainder into the first lanes.
    fn row(&self, at: Cursor, indices: &Indices, so_far: Value) -> Value {
        let (size, lanes) = (self.reduction.sizes[self.dim], self.lanes);
        let rest = size % lanes;
        let main = size - rest;
        let partial = repeat(at, main, lanes, Some(so_far), |at, index, so_far| {
            let added = self.values(at, &with(indices, self.dim, index), lanes);
            Some(self.combine(at, so_far?, added))
        });
        let partial = partial.unwrap_or(so_far);
        if rest == 0 {
            return partial;
        }
        let added = self.values(at, &with(indices, self.dim, at.index(main)), rest);
        let first = shuffle(at, self.scalar, [partial; 2], 0..rest);
        let first = self.combine(at, first, added);
        // as long as the others, to be put in front of the lanes that stay
        let padded = shuffle(at, self.scalar, [first; 2], (0..lanes).map(|l| l % rest));
        let both = (0..rest).chain(lanes + rest..2 * lanes);
        shuffle(at, self.scalar, [padded, partial], both)
    }

    /// What is added to the first n lanes.
    fn values(&self, at: Cursor, indices: &Indices, n: u64) -> Value {
        let body = self.reduction.body;
        let mut lanes = Lanes::new(n);
        for (arg, input) in body.args().into_iter().zip(self.reduction.inputs()) {
            if !arg.uses().is_empty() {
                lanes.set(arg, self.read(at, input, indices, n));
            }
        }
        let not_copied = [Some(self.combiner.op), body.terminator()];
        for op in body
            .ops()
            .into_iter()
            .filter(|o| !not_copied.contains(&Some(*o)))
        {
            lanes.copy(at, op);
        }
        lanes.get(at, self.combiner.added)
    }

    /// n elements of an input along the split dimension; copies of the one if it does not have it.
    fn read(&self, at: Cursor, input: &Operand, indices: &Indices, n: u64) -> Value {
        if !input.shape.is_shaped {
            return broadcast(at, input.value, n);
        }
        let element = at.element_type(input.shape.element);
        let load =
            |indices: &Indices| at.one("memref.load", &address(at, input, indices), element, &[]);
        if input.is_contiguous(self.dim) {
            let address = address(at, input, indices);
            return at.one("vector.load", &address, vector(at, element, n), &[]);
        }
        if !input.uses(self.dim) {
            return broadcast(at, load(indices), n);
        }
        let first = indices[self.dim].unwrap_or_else(|| at.index(0));
        let each: Vec<Value> = (0..n)
            .map(|lane| load(&with(indices, self.dim, at.add(first, at.index(lane)))))
            .collect();
        at.one("vector.from_elements", &each, vector(at, element, n), &[])
    }

    /// The lanes combined: the upper half into the lower one, until there is one.
    fn halve(&self, at: Cursor, mut lanes: Value) -> Value {
        let mut n = self.lanes;
        while n > 1 {
            n /= 2;
            let low = shuffle(at, self.scalar, [lanes; 2], 0..n);
            let high = shuffle(at, self.scalar, [lanes; 2], n..2 * n);
            lanes = self.combine(at, low, high);
        }
        let first = [("static_position", at.attr("array<i64: 0>"))];
        at.one("vector.extract", &[lanes], self.scalar, &first)
    }

    fn combine(&self, at: Cursor, so_far: Value, added: Value) -> Value {
        let op = self.combiner.op;
        at.one(op.name(), &[so_far, added], so_far.ty(), &op.attrs())
    }
}
