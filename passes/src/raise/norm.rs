//! RMS and layer normalisation: `spec.norm`.

use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::Ix;
use super::linear::{axes, dims, fused};
use super::root::Root;
use spec_dialect::ffi::Attr;

/// What a normalisation is made of.
struct Norm {
    kind: &'static str,
    eps: f64,
    x: Id,
    weight: Option<Id>,
    offset: f64,
    bias: Option<Id>,
}

/// The scale of a row: 1 / sqrt(mean of squares of `centred` + eps).
struct Scale {
    /// The element that is squared, at the reduced dimension.
    centred: Id,
    dim: u32,
    eps: f64,
}

/// Raises the root, if it is a normalisation over its last dimension.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let norm = find(g, root)?;
    let b = root.builder();
    let (last, rest) = root.dims.split_last()?;
    let rows = fused(&axes(g, rest));
    let columns = fused(&axes(g, &[*last]));
    let pair = [rows.clone(), columns.clone()];
    let x = b.tensor_of(g, norm.x, &pair)?;
    let weight = match norm.weight {
        Some(w) => b.tensor_of(g, w, std::slice::from_ref(&columns))?,
        None => {
            let ty = b.tensor(&[columns.1], "f32")?;
            let ones = Attr::parse(b.ctx(), &format!("dense<1.0> : {ty}"))?;
            b.op("arith.constant", &[], &[ty], &[("value", ones)])?
        }
    };
    let mut operands = vec![x, weight];
    if let Some(bias) = norm.bias {
        operands.push(b.tensor_of(g, bias, std::slice::from_ref(&columns))?);
    }
    let ty = b.tensor(&[rows.1, columns.1], &root.element())?;
    operands.push(b.empty(ty)?);
    let attrs = [
        ("kind", b.choice("norm", norm.kind)?),
        ("eps", b.float(norm.eps)?),
        ("weight_offset", b.float(norm.offset)?),
    ];
    let result = b.op("spec.norm", &operands, &[ty], &attrs)?;
    b.replace(result, &root.axes(g), root.value, &root.axes(g))
}

fn find(g: &mut Graph, root: &Root) -> Option<Norm> {
    let last = *root.dims.last()?;
    let (_, node) = g.op_node(root.id);
    if let Node::Bin(Bin::Add, a, b) = node {
        for (product, bias) in [(a, b), (b, a)] {
            if column(g, bias, last)
                && let Some(mut norm) = scaled(g, product, last)
            {
                norm.bias = Some(g.closed(bias));
                return Some(norm);
            }
        }
        return None;
    }
    matches!(node, Node::Bin(Bin::Mul | Bin::Div, ..)).then(|| scaled(g, root.id, last))?
}

/// True for an element that depends on the last dimension alone.
fn column(g: &Graph, id: Id, last: u32) -> bool {
    let id = g.closed(id);
    matches!(g.node(id), Node::Elem(..)) && dims(g, id) == [last]
}

/// `x * scale of its row [* (offset + weight)]`
fn scaled(g: &mut Graph, id: Id, last: u32) -> Option<Norm> {
    let scale = find_scale(g, id, 4)?;
    let by = Ix::dim(last, g.sizes[last as usize]);
    (g.sizes[scale.dim as usize] == g.sizes[last as usize]).then_some(())?;
    let centred = g.substitute(scale.centred, scale.dim, &by)?;
    let mut rest = vec![];
    factors(g, id, centred, &mut rest, 5);
    let mut found = (0, 0);
    let mut weight = None;
    for factor in rest {
        if g.same(factor, centred) {
            found.0 += 1;
        } else if find_scale(g, factor, 0).is_some() {
            found.1 += 1;
        } else if weight.replace(factor).is_some() {
            return None;
        }
    }
    if found != (1, 1) {
        return None;
    }
    let (weight, offset) = match weight {
        Some(w) => {
            let (w, offset) = shifted(g, w, last)?;
            (Some(w), offset)
        }
        None => (None, 0.0),
    };
    let (kind, x) = match mean_free(g, centred, last) {
        Some(x) => ("layer", x),
        None => ("rms", centred),
    };
    Some(Norm {
        kind,
        eps: scale.eps,
        x: g.closed(x),
        weight,
        offset,
        bias: None,
    })
}

/// `w` or `1 + w`.
fn shifted(g: &mut Graph, id: Id, last: u32) -> Option<(Id, f64)> {
    let closed = g.closed(id);
    if let (_, Node::Bin(Bin::Add, a, b)) = g.op_node(closed) {
        for (w, c) in [(a, b), (b, a)] {
            if let Some(offset) = g.as_float(c)
                && column(g, w, last)
            {
                return Some((g.closed(w), offset));
            }
        }
    }
    column(g, closed, last).then_some((closed, 0.0))
}

/// Factors of a product, down to `stop`.
fn factors(g: &mut Graph, id: Id, stop: Id, out: &mut Vec<Id>, depth: u32) {
    let closed = g.closed(id);
    if closed != g.closed(stop) && depth > 0 {
        match g.op_node(closed).1 {
            Node::Bin(Bin::Mul, a, b) if a != b => {
                factors(g, a, stop, out, depth - 1);
                return factors(g, b, stop, out, depth - 1);
            }
            Node::Bin(Bin::Div, a, b) if find_scale(g, closed, 0).is_none() => {
                // the divisor is a square root: its inverse is the scale
                let one = g.float(1.0);
                let inverse = g.add(Node::Bin(Bin::Div, one, b));
                factors(g, a, stop, out, depth - 1);
                out.push(inverse);
                return;
            }
            _ => {}
        }
    }
    out.push(closed);
}

/// Looks for `rsqrt(mean(y^2) + eps)` among the factors of a node.
fn find_scale(g: &mut Graph, id: Id, depth: u32) -> Option<Scale> {
    match g.op_node(id).1 {
        Node::Un(Un::Rsqrt, a) => mean_square(g, a),
        Node::Bin(Bin::Div, a, b) => {
            if let (_, Node::Un(Un::Sqrt, inner)) = g.op_node(b)
                && (depth > 0 || g.as_float(a) == Some(1.0))
            {
                return mean_square(g, inner);
            }
            None
        }
        Node::Bin(Bin::Mul, a, b) if depth > 0 => {
            find_scale(g, a, depth - 1).or_else(|| find_scale(g, b, depth - 1))
        }
        _ => None,
    }
}

/// `sum / n` or `sum * (1 / n)`: the summed element and the dimension.
fn mean(g: &mut Graph, id: Id) -> Option<(Id, u32)> {
    let (_, node) = g.op_node(id);
    let (sum, n) = match node {
        Node::Bin(Bin::Div, a, b) => (a, g.as_float(b)?),
        Node::Bin(Bin::Mul, a, b) => match (g.as_float(a), g.as_float(b)) {
            (Some(c), _) => (b, 1.0 / c),
            (_, Some(c)) => (a, 1.0 / c),
            _ => return None,
        },
        _ => return None,
    };
    let (_, Node::Reduce(Bin::Add, element, start, dims)) = g.op_node(sum) else {
        return None;
    };
    let dims: Vec<u32> = dims
        .into_iter()
        .filter(|d| g.sizes[*d as usize] > 1)
        .collect();
    let [dim] = dims[..] else { return None };
    let size = g.sizes[dim as usize] as f64;
    ((n / size - 1.0).abs() < 1e-3 && g.as_float(start) == Some(0.0)).then_some((element, dim))
}

fn mean_square(g: &mut Graph, id: Id) -> Option<Scale> {
    let (_, Node::Bin(Bin::Add, a, b)) = g.op_node(id) else {
        return None;
    };
    let (square, eps) = match (g.as_float(a), g.as_float(b)) {
        (Some(eps), _) => (b, eps),
        (_, Some(eps)) => (a, eps),
        _ => return None,
    };
    let (element, dim) = mean(g, square)?;
    let centred = match g.op_node(element).1 {
        Node::Bin(Bin::Mul, a, b) => g.same(a, b).then(|| g.closed(a))?,
        Node::Bin(Bin::Pow, a, b) => (g.as_float(b) == Some(2.0)).then(|| g.closed(a))?,
        _ => return None,
    };
    (eps >= 0.0).then_some(Scale { centred, dim, eps })
}

/// `x - mean(x)`: x.
fn mean_free(g: &mut Graph, id: Id, last: u32) -> Option<Id> {
    let (_, Node::Bin(Bin::Sub, x, average)) = g.op_node(id) else {
        return None;
    };
    let (element, dim) = mean(g, average)?;
    let by = Ix::dim(last, g.sizes[last as usize]);
    let element = g.substitute(element, dim, &by)?;
    g.same(element, x).then_some(x)
}
