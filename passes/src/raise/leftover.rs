//! What was not recognised: contractions, reductions and large ops that stay.

use super::body;
use super::graph::{Graph, Node};
use super::linear::{dims, is_parameter, product};
use super::root::Root;
use spec_dialect::ffi::{Op, Severity, emit};

/// Results of at least so many elements are large.
const LARGE: u64 = 64 * 1024;

/// Looks at an op that was not raised, and says what it is, if it matters.
pub fn remark(op: Op) -> Option<&'static str> {
    if !op.name().starts_with("linalg.")
        || matches!(
            op.name(),
            "linalg.fill" | "linalg.index" | "linalg.yield" | "linalg.softmax"
        )
    {
        return None;
    }
    let dynamic = op.operands().any(|v| v.ty().shape().dims.contains(&None));
    let (kind, why) = match body::loops(op) {
        Some(loops) if loops.reductions.is_empty() => return large(op),
        Some(_) => reduction(op),
        None if dynamic && is_reduction(op) => ("reduction", "its shape is dynamic"),
        None => return large(op),
    };
    let shapes: Vec<String> = op.operands().map(|v| v.ty().to_string()).collect();
    let why = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    let text = format!(
        "spec-raise: this {kind} of {} stays{why}",
        shapes.join(", ")
    );
    emit(op.loc(), Severity::Remark, &text, &[]);
    Some(kind)
}

/// True if a loop of the op is in no output.
fn is_reduction(op: Op) -> bool {
    let Some(maps) = op.indexing_maps() else {
        return false;
    };
    let outputs = op.results().len();
    maps.last().is_some_and(|m| m.results.len() < m.dims) && outputs > 0
}

fn reduction(op: Op) -> (&'static str, &'static str) {
    let mut g = Graph::default();
    let found = Root::of(&mut g, op).and_then(|root| Some((product(&mut g, root.id)?, root)));
    let Some((product, root)) = found else {
        return ("reduction", "");
    };
    let parameter =
        |g: &Graph, id| matches!(g.node(g.closed(id)), Node::Elem(v, _) if is_parameter(*v));
    let (of_a, of_b) = (dims(&g, product.a), dims(&g, product.b));
    let batch = root
        .dims
        .iter()
        .any(|d| of_a.contains(d) && of_b.contains(d));
    let why = if batch {
        "both factors have a dimension of the result in common, and it is no attention that is known"
    } else if !parameter(&g, product.a) && !parameter(&g, product.b) {
        "no factor is a parameter of the function"
    } else {
        "its layout is not known"
    };
    ("contraction", why)
}

fn large(op: Op) -> Option<&'static str> {
    let elements = |v: spec_dialect::ffi::Value| -> Option<u64> {
        let dims = v.ty().shape().dims;
        dims.into_iter()
            .try_fold(1u64, |all, d| Some(all.saturating_mul(d?)))
    };
    let most = op.results().filter_map(elements).max()?;
    if most < LARGE {
        return None;
    }
    emit(
        op.loc(),
        Severity::Remark,
        &format!("spec-raise: this op stays: its result has {most} elements"),
        &[],
    );
    Some("large")
}
