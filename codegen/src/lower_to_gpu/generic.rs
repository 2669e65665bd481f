//! Kernels for ops that have none of their own: structured ops of linalg by their body, copies, and stores of scalars.
//!
//! One invocation computes one output element; reductions are loops inside of it, over what the output holds before. Copies of rows
//! that are multiples of 16 bytes move 16 bytes an invocation. Values are f32 and i32, whatever buffers hold: indices and positions
//! fit, and 16-bit floats are rounded where the body or a store says so.

mod affine;
mod body;
mod casts;
mod functions;
mod loops;
mod nest;
mod wide;

use super::request::{Buffer, Request};
use nest::{Nest, range};
use spec_dialect::ffi::Op;
use spec_kernels::gpu::{Binding, Device, Generic, Kernel};

/// The kernel of an op on memrefs, for `device`.
///
/// # Errors
/// Says what in the op no kernel does, or what the device lacks for it.
pub(super) fn request(op: Op, device: &Device) -> Result<Request, String> {
    let nest = Nest::of(op)?;
    let bindings: Result<Vec<Binding>, String> =
        (0..nest.bindings.len()).map(|i| nest.binding(i)).collect();
    let bindings = bindings?;
    let emitted = match wide::emit(&nest, &bindings, device) {
        Some(emitted) => emitted,
        None => loops::emit(&nest, &bindings, device)?,
    };
    Ok(Request {
        kernel: Kernel::Generic(Generic {
            label: label(op, &nest),
            bindings,
            emitted,
        }),
        buffers: nest
            .bindings
            .iter()
            .map(|(view, _)| Buffer::of(view))
            .collect(),
    })
}

/// What is done last, and the sizes of the output: `generic_addf_5x64`.
fn label(op: Op, nest: &Nest) -> String {
    let (_, op_name) = op.name().split_once('.').unwrap_or_default();
    let last = nest.outputs.first().and_then(|(_, value)| value.def());
    let kind = match (op_name, last) {
        ("generic", Some(last)) if last.parent() == Some(op) => {
            format!(
                "generic_{}",
                last.name().rsplit('.').next().unwrap_or_default()
            )
        }
        ("generic", _) => "copy".to_owned(),
        (name, _) => name.to_owned(),
    };
    let sizes = nest
        .outputs
        .first()
        .map(|(o, _)| nest.operands[*o].view.sizes.clone());
    let sizes: Vec<String> = sizes
        .unwrap_or_default()
        .iter()
        .map(i64::to_string)
        .collect();
    let sizes = if sizes.is_empty() {
        "1".to_owned()
    } else {
        sizes.join("x")
    };
    format!("{kind}_{sizes}")
}
