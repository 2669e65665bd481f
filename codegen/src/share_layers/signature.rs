//! What an op does, apart from which buffers it does it to.

use spec_dialect::ffi::{Ctx, Op, Type, Value};
use std::collections::HashMap;
use std::fmt::Write as _;

/// An op up to its buffers.
pub(super) struct Signature {
    /// Equal for ops that do the same; none if the op cannot be moved into a function.
    pub(super) text: Option<String>,
    /// Values from outside that are no constants, in order of use, repeated as used.
    pub(super) operands: Vec<Value>,
}

/// Whether `op` is a constant, to be copied rather than passed on.
pub(super) fn is_constant(op: Op) -> bool {
    matches!(op.name(), "arith.constant" | "memref.get_global")
}

pub(super) fn signature(op: Op) -> Signature {
    let mut out = Signature {
        text: None,
        operands: vec![],
    };
    if op.results().len() > 0 || op.name() == "func.return" {
        return out;
    }
    let mut text = String::new();
    let mut inner: HashMap<Value, usize> = HashMap::new();
    write(op, &mut text, &mut inner, &mut out.operands);
    out.text = Some(text);
    out
}

fn write(op: Op, text: &mut String, inner: &mut HashMap<Value, usize>, operands: &mut Vec<Value>) {
    text.push_str(op.name());
    for (name, value) in op.attrs() {
        let _ = write!(text, " {name}={value}");
    }
    for value in op.operands() {
        if let Some(number) = inner.get(&value) {
            let _ = write!(text, " %{number}");
        } else if let Some(constant) = value.def().filter(|d| is_constant(*d)) {
            let attrs = constant.attrs();
            let _ = write!(text, " const");
            for (name, value) in attrs {
                let _ = write!(text, " {name}={value}");
            }
        } else {
            let _ = write!(text, " {}", without_offset(value.ty()));
            operands.push(value);
        }
    }
    for value in op.results() {
        inner.insert(value, inner.len());
        let _ = write!(text, " -> {}", value.ty());
    }
    for block in op.blocks() {
        text.push_str(" {");
        for arg in block.args() {
            inner.insert(arg, inner.len());
            let _ = write!(text, " {}", arg.ty());
        }
        for op in block.ops() {
            text.push('\n');
            write(op, text, inner, operands);
        }
        text.push('}');
    }
}

fn without_offset(ty: Type) -> String {
    match ty.strides() {
        Some((strides, _)) => {
            let shape = ty.shape();
            format!("{:?} {:?} {}", shape.dims, strides, shape.element)
        }
        None => ty.to_string(),
    }
}

/// A strided memref type with the same sizes and strides, whose offset is known at run time only.
pub(super) fn any_offset(ctx: Ctx, ty: Type) -> Option<Type> {
    let (strides, _) = ty.strides()?;
    let list = |n: &Option<i64>| n.map_or("?".to_owned(), |n| n.to_string());
    let strides: Vec<String> = strides.iter().map(list).collect();
    let dims: String = (ty.shape().dims.iter())
        .map(|d| d.map_or("?x".to_owned(), |d| format!("{d}x")))
        .collect();
    let element = ty.shape().element;
    let text = format!(
        "memref<{dims}{element}, strided<[{}], offset: ?>>",
        strides.join(", ")
    );
    Type::parse(ctx, &text)
}
