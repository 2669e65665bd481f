//! Splits what bufferization does not know into what it does.
//!
//! *Before*: `tensor.concat`, `spec.commit` (which becomes a `tensor.insert_slice` at its position), and loads of constant globals of the
//! `ml_program` dialect (which become the constants).
//!
//! ```mlir
//! func.func @f(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>) -> tensor<5x4xf32> {
//!   %0 = tensor.concat dim(0) %a, %b : (tensor<2x4xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
//!   return %0 : tensor<5x4xf32>
//! }
//! ```
//!
//! *After*: one insertion per operand, into an empty tensor.
//!
//! ```mlir
//! func.func @f(%a: tensor<2x4xf32>, %b: tensor<3x4xf32>) -> tensor<5x4xf32> {
//!   %0 = tensor.empty() : tensor<5x4xf32>
//!   %1 = tensor.insert_slice %a into %0[0, 0] [2, 4] [1, 1] : tensor<2x4xf32> into tensor<5x4xf32>
//!   %2 = tensor.insert_slice %b into %1[2, 0] [3, 4] [1, 1] : tensor<3x4xf32> into tensor<5x4xf32>
//!   return %2 : tensor<5x4xf32>
//! }
//! ```
//!
//! *Why here*: upstream has this as a pattern without a pass of its own; concatenations of caches are gone by now (`spec-raise`).
//!
//! *Legality*: always, for static shapes; others are refused.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-raise`, before `one-shot-bufferize`.
//!
//! *Does not do*: it does not place operands into the result ahead of time; bufferization does where it can. More than eight operands are
//! put together in groups first.

use crate::cursor::Cursor;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct Decompose;

impl Pass for Decompose {
    const DESC: PassDesc = PassDesc {
        argument: "spec-decompose",
        name: "SpecDecompose",
        help: "tensor.concat and spec.commit to insertions, constant globals to constants",
        op: "func.func",
        dialects: &[Dependency::Arith, Dependency::Tensor],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let ops = function.nested();
        for op in ops {
            match op.name() {
                "tensor.concat" => split(op)?,
                "spec.commit" => insert(op),
                "ml_program.global_load_const" => load(op, function)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn load(op: Op, function: Op) -> Result<(), Diagnostics> {
    let name = op.attr("global").and_then(|a| a.as_flat_symbol());
    let siblings = function.block().map(|b| b.ops()).unwrap_or_default();
    let global = siblings
        .into_iter()
        .find(|o| o.name() == "ml_program.global" && o.symbol() == name);
    let value = global.and_then(|g| g.attr("value"));
    let (Some(value), Some(old)) = (value, op.results().next()) else {
        let message = "the value of this global is not in the module: give the function an argument in its place";
        return Err(Diagnostics::at(op.loc(), message));
    };
    let new = Cursor::before(op).one("arith.constant", &[], old.ty(), &[("value", value)]);
    old.replace_all_uses(new);
    op.erase();
    Ok(())
}

fn insert(op: Op) {
    let dim = op.attr("dim").and_then(|a| a.as_i64()).unwrap_or(0);
    let operands: Vec<Value> = op.operands().collect();
    if let (Some(old), [rows, cache, position]) = (op.results().next(), operands.as_slice()) {
        let at = Cursor::before(op);
        let position = at.to_index(*position);
        old.replace_all_uses(at.insert_rows(*rows, *cache, position, dim as usize));
        op.erase();
    }
}

fn split(op: Op) -> Result<(), Diagnostics> {
    let Some(old) = op.results().next() else {
        return Ok(());
    };
    let is_static = |v: Value| v.ty().shape().dims.iter().all(Option::is_some);
    let dim = op.attr("dim").and_then(|a| a.as_i64());
    let (Some(dim), true) = (dim, is_static(old) && op.operands().all(is_static)) else {
        let message = "a concatenation of sizes known at run time only cannot be compiled: give the model static shapes";
        return Err(Diagnostics::at(op.loc(), message));
    };
    let parts: Vec<Value> = op.operands().collect();
    let all = stack(Cursor::before(op), &parts, dim as usize);
    let at = Cursor::before(op);
    old.replace_all_uses(if all.ty() == old.ty() {
        all
    } else {
        at.one("tensor.cast", &[all], old.ty(), &[])
    });
    op.erase();
    Ok(())
}

/// Insertions that are chained at most. Bufferization compares each with all others, so that one chain through all layers of a model
/// would take time that grows with the cube of their number.
const CHAIN: usize = 8;

/// `parts` one behind the other along `dim`; many of them in groups first.
fn stack(at: Cursor, parts: &[Value], dim: usize) -> Value {
    if parts.len() > CHAIN {
        let groups = parts.len().div_ceil(CHAIN).max(2);
        let size = parts.len().div_ceil(groups);
        let groups: Vec<Value> = (parts.chunks(size))
            .map(|group| stack(at, group, dim))
            .collect();
        return stack(at, &groups, dim);
    }
    let size = |v: &Value| v.ty().shape().dims[dim].unwrap_or(0);
    let mut shape = parts[0].ty().shape();
    shape.dims[dim] = Some(parts.iter().map(size).sum());
    let dims: String = (shape.dims.iter())
        .map(|d| format!("{}x", d.unwrap_or(0)))
        .collect();
    let ty = at.ty(&format!("tensor<{dims}{}>", shape.element));
    let mut all = at.one("tensor.empty", &[], ty, &[]);
    let mut offset = 0;
    for part in parts {
        all = at.insert_at(*part, all, dim, offset);
        offset += size(part) as i64;
    }
    all
}
