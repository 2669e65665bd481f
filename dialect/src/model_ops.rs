//! The model ops of the dialect (`spec.linear` and its like), and their operands.

use crate::ffi::{Attr, Op, Value};

/// Whether `op` is one of the ops that models are made of (SpecModelOps.td).
pub fn is_model_op(op: Op) -> bool {
    matches!(
        op.name(),
        "spec.linear"
            | "spec.norm"
            | "spec.rope"
            | "spec.attention"
            | "spec.activation"
            | "spec.embedding"
            | "spec.argmax"
    )
}

/// Numbers of operands per group, of an op with several optional ones; empty for others.
fn segments(op: Op) -> Vec<usize> {
    let sizes = op.attr("operandSegmentSizes").and_then(Attr::as_i32_array);
    let sizes = sizes.unwrap_or_default();
    sizes.into_iter().map(|n| n as usize).collect()
}

/// Index of the first operand of group `i`, if the group has operands.
pub fn operand_of_group(op: Op, i: usize) -> Option<usize> {
    let sizes = segments(op);
    (*sizes.get(i)? > 0).then(|| sizes[..i].iter().sum())
}

/// The operands of group `i`.
pub fn group(op: Op, i: usize) -> Vec<Value> {
    let sizes = segments(op);
    let start = sizes.iter().take(i).sum();
    let count = sizes.get(i).copied().unwrap_or(0);
    op.operands().skip(start).take(count).collect()
}

/// The case of an enum attribute: `half` of `#spec<pairing half>` or `#spec.pairing<half>`; empty if it is left out.
pub fn case(op: Op, name: &str) -> String {
    let text = op.attr(name).map(|a| a.to_string()).unwrap_or_default();
    let inner = text
        .rsplit_once('<')
        .map_or(text.as_str(), |(_, rest)| rest);
    let word = inner.trim_end_matches('>').rsplit(' ').next();
    word.unwrap_or_default().to_owned()
}
