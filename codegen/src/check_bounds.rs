//! Keeps positions within what caches and tables hold.
//!
//! *Before*: rows of a cache or a table at a position that is known at run time only.
//!
//! ```mlir
//! func.func @f(%row: tensor<1x4xf32>, %k: tensor<8x4xf32>, %p: index) -> tensor<8x4xf32> {
//!   %0 = tensor.insert_slice %row into %k[%p, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
//!   return %0 : tensor<8x4xf32>
//! }
//! ```
//!
//! *After*: the position is asserted, once for all that it indexes, and what indexes uses the nearest one that fits.
//!
//! ```mlir
//! func.func @f(%row: tensor<1x4xf32>, %k: tensor<8x4xf32>, %p: index) -> tensor<8x4xf32> {
//!   %c7 = arith.constant 7 : index
//!   %0 = arith.cmpi ule, %p, %c7 : index
//!   cf.assert %0, "a position is outside of the cache or table that it indexes"
//!   %1 = arith.minui %p, %c7 : index
//!   %2 = tensor.insert_slice %row into %k[%1, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<8x4xf32>
//!   return %2 : tensor<8x4xf32>
//! }
//! ```
//!
//! *Why here*: on buffers an offset out of bounds writes to memory that is not the model's, and a position is an argument of the call.
//! Exporters that select rows instead of inserting them had a meaning there; recognition took it away.
//!
//! *Legality*: nothing changes for positions that fit. For others the call returns the status of a failed assertion.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-raise` and `spec-decompose`, which make insertions; before `spec-prepare-entry`. `spec-lower-kernels` turns the
//! assertion into the status.
//!
//! *Does not do*: offsets that a loop computes (the layer of a stack) are bounded by the loop, and are not looked at; nor are dynamic sizes.

use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Block, Op, Value};
use spec_dialect::model_ops::operand_of_group;
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use std::collections::HashMap;

/// The pass.
#[derive(Clone, Default)]
pub struct CheckBounds;

const MESSAGE: &str = "\"a position is outside of the cache or table that it indexes\"";
/// How MLIR writes "see the operand" in lists of offsets, sizes and strides.
const DYNAMIC: i64 = i64::MIN;

impl Pass for CheckBounds {
    const DESC: PassDesc = PassDesc {
        argument: "spec-check-bounds",
        name: "SpecCheckBounds",
        help: "Assert that positions are within caches and tables",
        op: "func.func",
        dialects: &[Dependency::Arith, Dependency::ControlFlow],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let Some(body) = function.body() else {
            return Ok(());
        };
        let mut checked: HashMap<(Value, i64), Value> = HashMap::new();
        for op in function.nested() {
            for (operand, most) in limits(op) {
                let Some(value) = op.operand(operand).filter(|v| v.def_block() == Some(body))
                else {
                    continue;
                };
                let fitting = *checked
                    .entry((value, most))
                    .or_insert_with(|| check(body, value, most));
                op.set_operand(operand, fitting);
            }
        }
        Ok(())
    }
}

/// Operands of `op` that index, and the largest value that each may have.
fn limits(op: Op) -> Vec<(usize, i64)> {
    match op.name() {
        "tensor.insert_slice" => slice_limits(op, 1, 2),
        "tensor.extract_slice" => slice_limits(op, 0, 1),
        "spec.attention" => attention_limit(op).into_iter().collect(),
        _ => vec![],
    }
}

/// Of a slice of operand `whole`, whose dynamic offsets are operands from `first` on.
fn slice_limits(op: Op, whole: usize, first: usize) -> Vec<(usize, i64)> {
    let list = |name: &str| {
        op.attr(name)
            .and_then(Attr::as_i64_array)
            .unwrap_or_default()
    };
    let (offsets, sizes, strides) = (
        list("static_offsets"),
        list("static_sizes"),
        list("static_strides"),
    );
    let dims = op.operand(whole).map_or(vec![], |v| v.ty().shape().dims);
    let mut operand = first;
    let mut found = vec![];
    for (((offset, size), stride), dim) in offsets.iter().zip(&sizes).zip(&strides).zip(dims) {
        if *offset != DYNAMIC {
            continue;
        }
        if let Some(dim) = dim.filter(|_| *size != DYNAMIC && *stride != DYNAMIC && *size > 0) {
            found.push((operand, dim as i64 - (size - 1) * stride - 1));
        }
        operand += 1;
    }
    found
}

/// The position of an attention: its cache holds the new rows already, or is read up to it.
fn attention_limit(op: Op) -> Option<(usize, i64)> {
    let position = operand_of_group(op, 5)?;
    let has_new = operand_of_group(op, 3).is_some();
    let token_major = op.attr("kv_layout")?.to_string().contains("token_major");
    let rows = *op
        .operand(1)?
        .ty()
        .shape()
        .dims
        .get(usize::from(!token_major))?;
    let tokens = *op.operand(0)?.ty().shape().dims.get(1)?;
    let new = if has_new { 0 } else { tokens? };
    Some((position, rows? as i64 - new as i64))
}

/// Asserts behind the definition of `value` that it is 0 to `most`; the nearest value that is.
fn check(body: Block, value: Value, most: i64) -> Value {
    let ops = body.ops();
    let behind = (value.def()).and_then(|def| ops.iter().position(|o| *o == def));
    let at = Cursor::before(ops[behind.map_or(0, |i| i + 1)]);
    let limit = at.index(most.max(0) as u64);
    let ule = [("predicate", at.attr("7 : i64"))];
    let fits = at.one("arith.cmpi", &[value, limit], at.ty("i1"), &ule);
    at.op("cf.assert", &[fits], &[], &[("msg", at.attr(MESSAGE))], &[]);
    at.one("arith.minui", &[value, limit], value.ty(), &[])
}
