//! Products with weights: `spec.linear`.

use super::build::{Axis, Builder};
use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::{Atom, Ix};
use super::root::Root;
use spec_dialect::ffi::{Attr, Element, Value};

/// A contraction: two factors, and the dimensions that both have, that only one has.
pub struct Product {
    /// Left factor.
    pub a: Id,
    /// Right factor.
    pub b: Id,
    /// Dimensions summed over.
    pub sum: Vec<u32>,
    /// What is added: the start value of the reduction, if it is not zero.
    pub start: Option<Id>,
}

/// Takes a sum of products apart.
pub fn product(g: &mut Graph, id: Id) -> Option<Product> {
    let (_, Node::Reduce(Bin::Add, body, start, sum)) = g.op_node(id) else {
        return None;
    };
    let sum: Vec<u32> = sum
        .into_iter()
        .filter(|d| g.sizes[*d as usize] > 1)
        .collect();
    let (_, Node::Bin(Bin::Mul, a, b)) = strip(g, body) else {
        return None;
    };
    let start = (g.as_float(start) != Some(0.0)).then_some(start);
    Some(Product { a, b, sum, start })
}

/// The node without float casts, unopened.
fn strip(g: &Graph, mut id: Id) -> (Id, Node) {
    while let Node::Cast(_, inner) = g.node(id) {
        id = *inner;
    }
    (id, g.node(id).clone())
}

/// Dimensions that an element depends on.
pub fn dims(g: &Graph, id: Id) -> Vec<u32> {
    let mut out = vec![];
    collect(g, id, &mut out);
    out.sort_unstable();
    out.dedup();
    out
}

fn collect(g: &Graph, id: Id, out: &mut Vec<u32>) {
    let of = |ix: &Ix, out: &mut Vec<u32>| {
        for t in &ix.terms {
            match t.atom {
                Atom::Dim(d) => out.push(d),
                Atom::Node(n) => collect(g, n, out),
            }
        }
    };
    match g.node(id) {
        Node::Elem(_, index) => index.iter().for_each(|ix| of(ix, out)),
        Node::Int(ix) => of(ix, out),
        Node::Un(_, a) | Node::Cast(_, a) => collect(g, *a, out),
        Node::Bin(_, a, b) | Node::Cmp(_, _, a, b) => {
            collect(g, *a, out);
            collect(g, *b, out);
        }
        Node::Select(a, b, c) => [a, b, c].into_iter().for_each(|x| collect(g, *x, out)),
        Node::Reduce(_, a, s, reduced) => {
            let mut inner = vec![];
            collect(g, *a, &mut inner);
            out.extend(inner.into_iter().filter(|d| !reduced.contains(d)));
            collect(g, *s, out);
        }
        Node::Scalar(_) | Node::Unknown(_) | Node::Float(_) | Node::Acc => {}
    }
}

/// True for values that are there before the function is called: parameters and constants, or slices of them.
pub fn is_parameter(value: Value) -> bool {
    match value.def() {
        None => value
            .arg_block()
            .and_then(|b| b.parent())
            .is_some_and(|p| p.name() == "func.func"),
        Some(op) => matches!(
            op.name(),
            "arith.constant"
                | "ml_program.global_load_const"
                | "ml_program.global_load"
                | "bufferization.to_tensor"
        ),
    }
}

/// A weight: dense, or integers with a scale.
struct Weight {
    /// The element, of the integers where there is a scale.
    element: Id,
    scale: Option<Id>,
}

fn weight(g: &mut Graph, id: Id) -> Option<Weight> {
    let id = g.closed(id);
    if let Node::Elem(base, _) = g.node(id)
        && is_parameter(*base)
    {
        return Some(Weight {
            element: id,
            scale: None,
        });
    }
    let (_, Node::Bin(Bin::Mul, a, b)) = g.op_node(id) else {
        return None;
    };
    for (quantized, scale) in [(a, b), (b, a)] {
        let (_, Node::Un(Un::ToFloat, integer)) = g.op_node(quantized) else {
            continue;
        };
        if let Node::Elem(base, _) = g.node(integer)
            && is_parameter(*base)
            && base.ty().shape().element == Element::Int(8)
        {
            let scale = g.closed(scale);
            return Some(Weight {
                element: integer,
                scale: Some(scale),
            });
        }
    }
    None
}

/// What the root is: a product, with a bias perhaps.
struct Found {
    product: Product,
    bias: Option<Id>,
}

fn find(g: &mut Graph, root: &Root) -> Option<Found> {
    if let Some(product) = product_once(g, root, root.id) {
        return Some(Found {
            product,
            bias: None,
        });
    }
    let (_, Node::Bin(Bin::Add, a, b)) = g.op_node(root.id) else {
        return None;
    };
    for (sum, bias) in [(a, b), (b, a)] {
        if let Some(product) = product_once(g, root, sum)
            && product.start.is_none()
        {
            return Some(Found {
                product,
                bias: Some(bias),
            });
        }
    }
    None
}

/// The product behind a node, unless something else needs one of the values in between.
fn product_once(g: &mut Graph, root: &Root, id: Id) -> Option<Product> {
    if !root.only_use(g, id) {
        return None;
    }
    product(g, id)
}

/// Raises the root, if it is a product with a weight.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let found = find(g, root)?;
    let Product { a, b, sum, start } = found.product;
    let (of_a, of_b) = (dims(g, a), dims(g, b));
    let outer: Vec<u32> = root
        .dims
        .iter()
        .copied()
        .filter(|d| g.sizes[*d as usize] > 1)
        .collect();
    let shared = outer.iter().any(|d| of_a.contains(d) && of_b.contains(d));
    let complete = sum.iter().all(|d| of_a.contains(d) && of_b.contains(d));
    if shared || !complete {
        return None;
    }
    let candidates = [(a, b, of_b), (b, a, of_a)];
    let mut choices: Vec<(Id, Weight, Vec<u32>)> = vec![];
    for (x, w, of_w) in candidates {
        if let Some(weight) = weight(g, w) {
            choices.push((x, weight, of_w));
        }
    }
    // of two parameters the weight is the one with outputs of its own
    choices.sort_by_key(|c| !outer.iter().any(|d| c.2.contains(d)));
    let (x, weight, of_w) = choices.into_iter().next()?;
    let outputs: Vec<u32> = outer.iter().copied().filter(|d| of_w.contains(d)).collect();
    let tokens: Vec<u32> = outer
        .iter()
        .copied()
        .filter(|d| !of_w.contains(d))
        .collect();
    let bias = match (found.bias, start) {
        (Some(bias), _) | (None, Some(bias)) => Some(bias_of(g, bias, &outputs)?),
        (None, None) => None,
    };
    let plan = Plan {
        x,
        weight,
        bias,
        tokens,
        outputs,
        sum,
    };
    plan.build(g, root)
}

/// The bias, if it is a parameter that depends on the outputs alone.
fn bias_of(g: &mut Graph, id: Id, outputs: &[u32]) -> Option<Id> {
    let id = g.closed(id);
    let Node::Elem(base, _) = g.node(id) else {
        return None;
    };
    let known = is_parameter(*base);
    (known && dims(g, id) == outputs).then_some(id)
}

struct Plan {
    x: Id,
    weight: Weight,
    bias: Option<Id>,
    tokens: Vec<u32>,
    outputs: Vec<u32>,
    sum: Vec<u32>,
}

/// Axes of dimensions.
pub fn axes(g: &Graph, dims: &[u32]) -> Vec<Axis> {
    let axis = |d: &u32| {
        let size = g.sizes[*d as usize];
        (Ix::dim(*d, size), size)
    };
    dims.iter().map(axis).collect()
}

/// The axes as one.
pub fn fused(axes: &[Axis]) -> Axis {
    let (ix, sizes): (Vec<Ix>, Vec<i64>) = axes.iter().cloned().unzip();
    (super::index::linear(&ix, &sizes), sizes.iter().product())
}

/// Sorts dimensions by their strides in an element's base.
fn by_stride(g: &Graph, id: Id, dims: &mut [u32]) {
    let Node::Elem(base, index) = g.node(id) else {
        return;
    };
    let Some(sizes) = super::view::sizes(*base) else {
        return;
    };
    let place = super::index::linear(index, &sizes);
    let stride = |d: &u32| {
        let terms = place.terms.iter().filter(|t| t.atom == Atom::Dim(*d));
        terms.map(|t| t.scale).max().unwrap_or(0)
    };
    dims.sort_by_key(|d| std::cmp::Reverse(stride(d)));
}

impl Plan {
    fn build(mut self, g: &mut Graph, root: &Root) -> Option<()> {
        let b = root.builder();
        by_stride(g, self.weight.element, &mut self.outputs);
        by_stride(g, self.weight.element, &mut self.sum);
        let (m, n, k) = (
            axes(g, &self.tokens),
            axes(g, &self.outputs),
            axes(g, &self.sum),
        );
        let (rows, out, inner) = (fused(&m), fused(&n), fused(&k));
        let quantized = self.weight.scale.is_some();
        let (w, layout) = self.weight_value(g, b, &out, &inner)?;
        let x = match b.tensor_of(g, self.x, &[rows.clone(), inner.clone()]) {
            Some(x) => x,
            None => super::emit::tensor(g, b, self.x, &[rows.clone(), inner.clone()])?,
        };
        let (scale, group) = match self.weight.scale {
            Some(scale) => {
                let (value, group) = scale_value(g, b, scale, &out, &inner)?;
                (vec![value], group)
            }
            None => (vec![], 0),
        };
        let bias = match self.bias {
            Some(bias) => vec![b.tensor_of(g, bias, std::slice::from_ref(&out))?],
            None => vec![],
        };
        let element = root.element();
        let ty = b.tensor(&[rows.1, out.1], &element)?;
        let init = b.empty(ty)?;
        let ctx = b.ctx();
        let attrs = [
            ("layout", b.choice("layout", layout)?),
            (
                "format",
                b.choice("format", if quantized { "i8" } else { "dense" })?,
            ),
            ("group", Attr::i64(ctx, group)),
        ];
        let result = b.segmented(
            "spec.linear",
            &[&[x], &[w], &scale, &bias, &[init]],
            ty,
            &attrs,
        )?;
        let all: Vec<Axis> = m.into_iter().chain(n).collect();
        b.replace(result, &all, root.value, &root.axes(g))
    }

    /// The weight as [out, in] or [in, out], without moving it.
    fn weight_value(
        &self,
        g: &mut Graph,
        b: Builder,
        out: &Axis,
        inner: &Axis,
    ) -> Option<(Value, &'static str)> {
        let element = self.weight.element;
        if let Some(w) = b.view(g, element, &[out.clone(), inner.clone()]) {
            return Some((w, "out_in"));
        }
        if self.weight.scale.is_some() {
            return None;
        }
        b.view(g, element, &[inner.clone(), out.clone()])
            .map(|w| (w, "in_out"))
    }
}

/// The scale as [out] or [out, in / group], and the group (0: a row).
fn scale_value(
    g: &mut Graph,
    b: Builder,
    scale: Id,
    out: &Axis,
    inner: &Axis,
) -> Option<(Value, i64)> {
    if let Some(value) = b.view(g, scale, std::slice::from_ref(out)) {
        return Some((value, 0));
    }
    for group in [32, 64] {
        if inner.1 % group != 0 {
            continue;
        }
        let (groups, _) = inner.0.div_rem(group)?;
        let axes = [out.clone(), (groups, inner.1 / group)];
        if let Some(value) = b.view(g, scale, &axes) {
            return Some((value, group));
        }
    }
    None
}
