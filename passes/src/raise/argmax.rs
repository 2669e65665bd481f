//! The index of the largest element of each row: `spec.argmax`.

use super::body::{self, Body};
use super::eval::{Env, Val, eval};
use super::graph::{Graph, Id, Node};
use super::index::{Atom, Ix};
use super::linear::{axes, fused};
use super::root::Root;
use rustc_hash::FxHashMap;
use spec_dialect::ffi::Op;

/// Raises a reduction of two results, value and index, if only the index is used.
pub fn raise(g: &mut Graph, op: Op) -> Option<()> {
    let results: Vec<_> = op.results().collect();
    let [largest, place] = results[..] else {
        return None;
    };
    if !largest.uses().is_empty() || !matches!(place.ty().shape().element.bits(), 32 | 64) {
        return None;
    }
    let loops = body::loops(op)?;
    let [reduced] = loops.reductions[..] else {
        return None;
    };
    let n = loops.inputs;
    if n > 2 || loops.maps.get(n + 1) != loops.maps.get(n) {
        return None;
    }
    let root = Root::of_value(g, op, place)?;
    let (_, along) = g.new_dim(loops.sizes[reduced]);
    let at = point(&loops, &root, g, &along)?;
    if n == 2 {
        // the second input must be the index
        let index = loops.index(1, &at);
        let id = g.elem(op.operand(1)?, index);
        let (id, _) = g.op_node(id);
        (g.as_ix(id) == along).then_some(())?;
    }
    chooses_first_largest(g, op, &loops, &at)?;
    starts_low(g, op, &root)?;
    let input = op.operand(0)?;
    let index = loops.index(0, &at);
    let x = g.elem(input, index);
    let rows = fused(&axes(g, &root.dims));
    let b = root.builder();
    let x = b.tensor_of(g, x, &[rows.clone(), (along, loops.sizes[reduced])])?;
    let ty = b.tensor(&[rows.1], &root.element())?;
    let init = b.empty(ty)?;
    let result = b.op("spec.argmax", &[x, init], &[ty], &[])?;
    b.replace(result, &root.axes(g), root.value, &root.axes(g))
}

fn point(loops: &body::Loops, root: &Root, g: &Graph, along: &Ix) -> Option<Vec<Ix>> {
    let own = root.axes(g);
    let mut at = vec![along.clone(); loops.sizes.len()];
    for (result, axis) in loops.maps[loops.inputs].iter().zip(own) {
        if let spec_dialect::ffi::MapResult::Dim(d) = result {
            at[*d] = axis.0;
        }
    }
    Some(at)
}

/// Evaluates the body for a smaller, an equal and a larger element.
fn chooses_first_largest(g: &mut Graph, op: Op, loops: &body::Loops, at: &[Ix]) -> Option<()> {
    let block = op.body()?;
    let yielded = block.terminator()?.operand(1)?;
    let args = block.args();
    let mut known = FxHashMap::default();
    let [element, best, place] = [g.unknown(), g.unknown(), g.unknown()];
    let along = at
        .iter()
        .zip(&loops.sizes)
        .enumerate()
        .find(|(d, _)| loops.reductions.contains(d))?
        .1
        .0
        .clone();
    let here = g.int(along);
    let ids = if loops.inputs == 2 {
        vec![element, here, best, place]
    } else {
        vec![element, best, place]
    };
    known.extend(args.into_iter().zip(ids));
    let mut body = Body {
        op,
        block,
        loops,
        at,
        accumulator: None,
        known,
    };
    let choice = body.value(g, yielded);
    let dim = at
        .iter()
        .flat_map(|ix| &ix.terms)
        .filter_map(|t| match t.atom {
            Atom::Dim(d) => Some(d),
            Atom::Node(_) => None,
        });
    let dims: FxHashMap<u32, i64> = dim.map(|d| (d, 7)).collect();
    let value = |g: &mut Graph, x: f64, y: f64| {
        let (a, b) = (g.float(x), g.float(y));
        let three = g.int(Ix::constant(3));
        let id = replace(g, choice, &[(element, a), (best, b), (place, three)])?;
        eval(
            g,
            id,
            &Env {
                dims: dims.clone(),
                symbol: None,
            },
        )
    };
    let larger = value(g, 2.0, 1.0)? == Val::Int(7);
    let others = [(1.0, 2.0), (1.0, 1.0)];
    let mut kept = true;
    for (x, y) in others {
        kept &= value(g, x, y)? == Val::Int(3);
    }
    (larger && kept).then_some(())
}

/// The node with some nodes replaced.
fn replace(g: &mut Graph, id: Id, by: &[(Id, Id)]) -> Option<Id> {
    if let Some((_, new)) = by.iter().find(|b| b.0 == id) {
        return Some(*new);
    }
    Some(match g.node(id).clone() {
        Node::Cast(w, a) => {
            let a = replace(g, a, by)?;
            g.add(Node::Cast(w, a))
        }
        Node::Bin(f, a, b) => {
            let (a, b) = (replace(g, a, by)?, replace(g, b, by)?);
            g.add(Node::Bin(f, a, b))
        }
        Node::Cmp(f, p, a, b) => {
            let (a, b) = (replace(g, a, by)?, replace(g, b, by)?);
            g.add(Node::Cmp(f, p, a, b))
        }
        Node::Select(a, b, c) => {
            let (a, b, c) = (replace(g, a, by)?, replace(g, b, by)?, replace(g, c, by)?);
            g.add(Node::Select(a, b, c))
        }
        Node::Int(_) | Node::Float(_) => id,
        _ => return None,
    })
}

/// The start values: something that any element beats, and the first index.
fn starts_low(g: &mut Graph, op: Op, root: &Root) -> Option<()> {
    let index: Vec<Ix> = root.axes(g).into_iter().map(|a| a.0).collect();
    let starts: Vec<_> = op.operands().skip(op.operands().len() - 2).collect();
    let low = g.elem(starts[0], index.clone());
    let first = g.elem(starts[1], index);
    let (_, first) = g.op_node(first);
    let zero = matches!(first, Node::Int(ix) if ix.as_constant() == Some(0));
    (g.as_float(low)? <= -65504.0 && zero).then_some(())
}
