//! Replaces loops over layers by their trips.
//!
//! *Before*: an exporter that stacks the weights of all layers writes one body, and a loop with a constant number of trips.
//!
//! ```mlir
//! func.func @f(%x: tensor<1x4xf32>, %stack: tensor<2x1x4xf32>) -> tensor<1x4xf32> {
//!   %c0 = arith.constant 0 : index
//!   %c1 = arith.constant 1 : index
//!   %c2 = arith.constant 2 : index
//!   %r = scf.for %i = %c0 to %c2 step %c1 iter_args(%h = %x) -> (tensor<1x4xf32>) {
//!     %w = tensor.extract_slice %stack[%i, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> to tensor<1x4xf32>
//!     %y = linalg.add ins(%h, %w : tensor<1x4xf32>, tensor<1x4xf32>) outs(%x : tensor<1x4xf32>) -> tensor<1x4xf32>
//!     scf.yield %y : tensor<1x4xf32>
//!   }
//!   return %r : tensor<1x4xf32>
//! }
//! ```
//!
//! *After*: the body once a trip, with the counter as a constant.
//!
//! ```mlir
//! func.func @f(%x: tensor<1x4xf32>, %stack: tensor<2x1x4xf32>) -> tensor<1x4xf32> {
//!   %c0 = arith.constant 0 : index
//!   %c1 = arith.constant 1 : index
//!   %c2 = arith.constant 2 : index
//!   %i0 = arith.constant 0 : index
//!   %w0 = tensor.extract_slice %stack[%i0, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> to tensor<1x4xf32>
//!   %y0 = linalg.add ins(%x, %w0 : tensor<1x4xf32>, tensor<1x4xf32>) outs(%x : tensor<1x4xf32>) -> tensor<1x4xf32>
//!   %i1 = arith.constant 1 : index
//!   %w1 = tensor.extract_slice %stack[%i1, 0, 0] [1, 1, 4] [1, 1, 1] : tensor<2x1x4xf32> to tensor<1x4xf32>
//!   %y1 = linalg.add ins(%y0, %w1 : tensor<1x4xf32>, tensor<1x4xf32>) outs(%x : tensor<1x4xf32>) -> tensor<1x4xf32>
//!   return %y1 : tensor<1x4xf32>
//! }
//! ```
//!
//! *Why here*: a schedule of launches is a straight line; on tensors, values carry from trip to trip as plain values, and slices of stacked weights
//! become slices at fixed places.
//!
//! *Legality*: bounds and step are constants, compared as signed numbers, and there are at most 4096 trips. Other loops stay.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-raise` and `spec-quantize`, which see through loops over layers; `canonicalize` folds what depends on the counter. For GPUs only: code for a CPU
//! stays a loop.
//!
//! *Does not do*: it does not unroll in part.

use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Op, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use std::collections::HashMap;

/// Trips that are written out, at most.
const MOST: i64 = 4096;

/// The pass.
#[derive(Clone, Default)]
pub struct UnrollLoops;

impl Pass for UnrollLoops {
    const DESC: PassDesc = PassDesc {
        argument: "spec-unroll-loops",
        name: "SpecUnrollLoops",
        help: "Loops with few constant trips to straight code",
        op: "func.func",
        dialects: &[Dependency::Arith],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        // inner loops of an unrolled one are new ops
        while let Some((op, trips)) = next_loop(function) {
            unroll(op, &trips);
        }
        Ok(())
    }
}

/// A loop whose trips are known, and the values of its counter.
fn next_loop(function: Op) -> Option<(Op, Vec<i64>)> {
    let loops = function
        .nested()
        .into_iter()
        .filter(|o| o.name() == "scf.for");
    loops.into_iter().find_map(|op| Some((op, trips(op)?)))
}

fn trips(op: Op) -> Option<Vec<i64>> {
    if op.attr("unsignedCmp").is_some() {
        return None;
    }
    let constant = |i: usize| {
        let def = op.operand(i)?.def()?;
        let value = (def.name() == "arith.constant").then(|| def.attr("value"))?;
        value.and_then(Attr::as_i64)
    };
    let (from, to, step) = (constant(0)?, constant(1)?, constant(2)?);
    let count = (step > 0).then(|| to.checked_sub(from))??;
    let count = count.max(0).checked_add(step - 1)? / step;
    (count <= MOST).then(|| (0..count).map(|i| from + i * step).collect())
}

fn unroll(op: Op, trips: &[i64]) {
    let Some(body) = op.body() else {
        return;
    };
    let (args, ops) = (body.args(), body.ops());
    let at = Cursor::before(op);
    let mut carried: Vec<Value> = op.operands().skip(3).collect();
    for trip in trips {
        let counter = at.attr(&format!("{trip} : {}", args[0].ty()));
        let counter = at.one("arith.constant", &[], args[0].ty(), &[("value", counter)]);
        let mut now: HashMap<Value, Value> = HashMap::from([(args[0], counter)]);
        now.extend(args[1..].iter().copied().zip(carried.iter().copied()));
        for original in &ops {
            if original.name() == "scf.yield" {
                carried = original
                    .operands()
                    .map(|v| *now.get(&v).unwrap_or(&v))
                    .collect();
                continue;
            }
            let copy = original.duplicate();
            op.insert_before(copy);
            for inner in copy.nested().into_iter().chain([copy]) {
                for (i, operand) in inner.operands().enumerate().collect::<Vec<_>>() {
                    if let Some(new) = now.get(&operand) {
                        inner.set_operand(i, *new);
                    }
                }
            }
            now.extend(original.results().zip(copy.results()));
        }
    }
    for (old, new) in op.results().zip(carried) {
        old.replace_all_uses(new);
    }
    op.erase();
}
