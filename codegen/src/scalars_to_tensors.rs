//! Turns scalar arguments into tensors of one element.
//!
//! *Before*: an entry that takes a number, such as a position.
//!
//! ```mlir
//! func.func @f(%p: index) -> i64 {
//!   %i = arith.index_cast %p : index to i64
//!   return %i : i64
//! }
//! ```
//!
//! *After*: it takes a buffer, and reads it. An index is stored as i64.
//!
//! ```mlir
//! func.func @f(%p: tensor<i64>) -> i64 {
//!   %0 = tensor.extract %p[] : tensor<i64>
//!   %1 = arith.index_cast %0 : i64 to index
//!   %i = arith.index_cast %1 : index to i64
//!   return %i : i64
//! }
//! ```
//!
//! *Why here*: kernels read what changes from call to call from buffers, so that their launches can be recorded once. On tensors,
//! bufferization gives the element its place.
//!
//! *Legality*: the function has no callers (the inliner ran); its caller passes the address of the number, as for CPU code (docs/abi.md).
//!
//! *Options*: none.
//!
//! *Neighbours*: after the inliner, before `spec-raise`. For GPUs only.
//!
//! *Does not do*: results stay as they are.

use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Element, Op, Type, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct ScalarsToTensors;

impl Pass for ScalarsToTensors {
    const DESC: PassDesc = PassDesc {
        argument: "spec-scalars-to-tensors",
        name: "SpecScalarsToTensors",
        help: "Scalar arguments to tensors of one element",
        op: "func.func",
        dialects: &[Dependency::Arith, Dependency::Tensor],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let Some(body) = function.body() else {
            return Ok(());
        };
        let Some(start) = body.ops().first().copied() else {
            return Ok(());
        };
        let at = Cursor::before(start);
        for arg in body.args() {
            let ty = arg.ty();
            if ty.shape().is_shaped || !is_number(ty) {
                continue;
            }
            let is_index = ty.shape().element == Element::Index;
            let stored = if is_index { at.ty("i64") } else { ty };
            let uses = arg.uses();
            arg.set_type(at.ty(&format!("tensor<{stored}>")));
            let mut value = at.one("tensor.extract", &[arg], stored, &[]);
            if is_index {
                value = at.one("arith.index_cast", &[value], ty, &[]);
            }
            for (user, operand) in uses {
                user.set_operand(operand, value);
            }
        }
        let inputs: Vec<Type> = body.args().into_iter().map(Value::ty).collect();
        let old = function.attr("function_type").and_then(Attr::as_type);
        let results = old
            .and_then(Type::function)
            .map_or(vec![], |(_, results)| results);
        let ty = Type::function_of(function.ctx(), &inputs, &results);
        function.set_attr("function_type", Attr::of_type(ty));
        Ok(())
    }
}

fn is_number(ty: Type) -> bool {
    matches!(
        ty.shape().element,
        Element::Index | Element::Int(_) | Element::Float(_) | Element::BFloat16
    )
}
