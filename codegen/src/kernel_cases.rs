//! Attributes of model ops, in the kernels' terms.

use spec_dialect::ffi::{Element, Op};
use spec_dialect::model_ops::case;
use spec_kernels::{Activations, DType, Format, Function, Layout, NormKind, Pairing};

/// Element type of a kernel's operand.
pub(crate) fn dtype(element: Element) -> Result<DType, String> {
    Ok(match element {
        Element::Float(32) => DType::F32,
        Element::Float(16) => DType::F16,
        Element::BFloat16 => DType::BF16,
        Element::Int(8) => DType::I8,
        Element::Int(32) => DType::I32,
        Element::Int(64) => DType::I64,
        other => return Err(format!("no kernel takes elements of type {other}")),
    })
}

/// How the weight of a `spec.linear` or the table of a `spec.embedding` is stored.
pub(crate) fn format(op: Op, weight: DType, scale: Option<DType>) -> Result<Format, String> {
    let group = op.attr("group").and_then(|a| a.as_i64()).unwrap_or(0);
    let scale = scale.ok_or("a quantised weight has no scale");
    Ok(match case(op, "format").as_str() {
        "i8" => Format::I8 {
            group,
            scale: scale?,
        },
        "i4" => Format::I4 {
            group,
            scale: scale?,
        },
        _ => Format::Dense {
            dtype: weight,
            layout: match case(op, "layout").as_str() {
                "in_out" => Layout::InOut,
                _ => Layout::OutIn,
            },
        },
    })
}

/// `activations` of a `spec.linear`.
pub(crate) fn activations(op: Op) -> Activations {
    match case(op, "activations").as_str() {
        "int8" => Activations::I8,
        _ => Activations::Float,
    }
}

/// `kind` of a `spec.norm`.
pub(crate) fn norm_kind(op: Op) -> NormKind {
    match case(op, "kind").as_str() {
        "layer" => NormKind::Layer,
        _ => NormKind::Rms,
    }
}

/// `pairing` of a `spec.rope`.
pub(crate) fn pairing(op: Op) -> Pairing {
    match case(op, "pairing").as_str() {
        "interleaved" => Pairing::Interleaved,
        _ => Pairing::Half,
    }
}

/// `function` of a `spec.activation`.
pub(crate) fn function(op: Op) -> Function {
    match case(op, "function").as_str() {
        "silu" => Function::Silu,
        "gelu_tanh" => Function::GeluTanh,
        "gelu" => Function::Gelu,
        "relu" => Function::Relu,
        "relu2" => Function::Relu2,
        "sigmoid" => Function::Sigmoid,
        "tanh" => Function::Tanh,
        _ => Function::Identity,
    }
}

/// A number among the attributes of `op`; 0 if it is left out.
pub(crate) fn float(op: Op, name: &str) -> f32 {
    op.attr(name).and_then(|a| a.as_f64()).unwrap_or(0.0) as f32
}
