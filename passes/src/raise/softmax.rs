//! Softmax: written out, or as `linalg.softmax`.

use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::Ix;
use super::linear::{axes, fused};
use super::root::Root;
use spec_dialect::ffi::Attr;

/// The scores, if an element is their softmax over a dimension.
pub fn scores(g: &mut Graph, id: Id, dim: u32) -> Option<Id> {
    if let Some(scores) = named(g, id, dim) {
        return Some(scores);
    }
    let (_, node) = g.op_node(id);
    let (exp, sum) = match node {
        Node::Bin(Bin::Div, a, b) => (a, b),
        Node::Bin(Bin::Mul, a, b) => {
            let inverse = |g: &mut Graph, id| match g.op_node(id).1 {
                Node::Bin(Bin::Div, one, z) => (g.as_float(one) == Some(1.0)).then_some(z),
                _ => None,
            };
            match (inverse(g, a), inverse(g, b)) {
                (_, Some(z)) => (a, z),
                (Some(z), _) => (b, z),
                _ => return None,
            }
        }
        _ => return None,
    };
    let (_, Node::Un(Un::Exp, shifted)) = g.op_node(exp) else {
        return None;
    };
    let (_, Node::Bin(Bin::Sub, scores, largest)) = g.op_node(shifted) else {
        return None;
    };
    (reduces(g, sum, Bin::Add, exp, dim) && reduces(g, largest, Bin::Max, scores, dim))
        .then_some(scores)
}

/// Behind `linalg.softmax`.
fn named(g: &mut Graph, id: Id, dim: u32) -> Option<Id> {
    let mut id = g.closed(id);
    loop {
        match g.node(id).clone() {
            Node::Cast(_, inner) => id = inner,
            Node::Elem(value, index) => {
                let Some(op) = value.def().filter(|o| o.name() == "linalg.softmax") else {
                    id = g.open(id)?;
                    continue;
                };
                let over = op.attr("dimension")?.as_i64()? as usize;
                let size = g.sizes[dim as usize];
                return match op.operand(0) {
                    Some(x) if index[over] == Ix::dim(dim, size) => Some(g.elem(x, index)),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
}

/// True if a node is the reduction of `element` over `dim`, from the neutral value.
fn reduces(g: &mut Graph, id: Id, f: Bin, element: Id, dim: u32) -> bool {
    let (_, Node::Reduce(found, inner, start, reduced)) = g.op_node(id) else {
        return false;
    };
    let neutral = match (f, g.as_float(start)) {
        (Bin::Add, Some(s)) => s == 0.0,
        (_, Some(s)) => s <= super::mask::HIDDEN,
        _ => false,
    };
    let large: Vec<u32> = reduced
        .into_iter()
        .filter(|d| g.sizes[*d as usize] > 1)
        .collect();
    let [from] = large[..] else { return false };
    let size = g.sizes[dim as usize];
    if found != f || !neutral || g.sizes[from as usize] != size {
        return false;
    }
    let inner = g.substitute(inner, from, &Ix::dim(dim, size));
    inner.is_some_and(|inner| g.same(inner, element))
}

/// Raises the root to `linalg.softmax`, if it is one over its last dimension.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let (last, rest) = root.dims.split_last()?;
    if root.op.name() == "linalg.softmax" {
        return None;
    }
    let scores = scores(g, root.id, *last)?;
    let b = root.builder();
    let pair = [fused(&axes(g, rest)), fused(&axes(g, &[*last]))];
    let x = b.tensor_of(g, scores, &pair)?;
    let ty = b.tensor(&[pair[0].1, pair[1].1], &root.element())?;
    if x.ty() != ty {
        return None;
    }
    let init = b.empty(ty)?;
    let result = b.op(
        "linalg.softmax",
        &[x, init],
        &[ty],
        &[("dimension", Attr::i64(b.ctx(), 1))],
    )?;
    b.replace(result, &root.axes(g), root.value, &root.axes(g))
}
