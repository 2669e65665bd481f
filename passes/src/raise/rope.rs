//! Rotary position embeddings: `spec.rope`.
//!
//! A root is looked at twice, with its last dimension(s) fixed to the first and to the second element of pair i: then all
//! ways to split, rotate and put together are gone, and `a c - b s` and `b c + a s` remain.

use super::build::Axis;
use super::graph::{Bin, Graph, Id, Node, Step, Un};
use super::index::Ix;
use super::linear::{axes, dims, fused};
use super::root::Root;
use spec_dialect::ffi::Attr;

/// Which elements are a pair.
#[derive(Clone, Copy, PartialEq)]
enum Pairing {
    Half,
    Interleaved,
}

impl Pairing {
    /// Element `which` of pair `i` of `pairs`.
    fn element(self, i: &Ix, which: i64, pairs: i64) -> Ix {
        match self {
            Pairing::Half => i.plus(which * pairs),
            Pairing::Interleaved => i.times(2).plus(which),
        }
    }

    /// Pair and place in the pair of element `d`.
    fn pair(self, d: &Ix, pairs: i64) -> Option<(Ix, Ix)> {
        match self {
            Pairing::Half => d.div_rem(pairs).map(|(which, i)| (i, which)),
            Pairing::Interleaved => d.div_rem(2),
        }
    }
}

/// Raises the root, if it rotates pairs of its last dimension, or of the last two as one.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    if !promising(g, root) {
        return None;
    }
    for width in [1, 2] {
        for pairing in [Pairing::Half, Pairing::Interleaved] {
            for found in Rope::find(g, root, width, pairing).unwrap_or_default() {
                if found.write(g, root).is_some() {
                    return Some(());
                }
            }
        }
    }
    None
}

/// A cheap look: a sum of two products, a choice, or pieces put together.
fn promising(g: &mut Graph, root: &Root) -> bool {
    if root.shape.len() < 2 || !root.value.ty().shape().element.is_float() {
        return false;
    }
    if !root.op.name().starts_with("linalg.") {
        return true;
    }
    match g.op_node(root.id).1 {
        Node::Select(..) => true,
        Node::Bin(Bin::Add | Bin::Sub, a, b) => [a, b].into_iter().all(|x| {
            matches!(
                g.op_node(x).1,
                Node::Bin(Bin::Mul, ..) | Node::Un(Un::Neg, _)
            )
        }),
        _ => false,
    }
}

struct Rope {
    pairing: Pairing,
    /// Dimensions of the root in front of the head's.
    outer: Vec<u32>,
    /// The pair's number.
    pair: u32,
    pairs: i64,
    /// First and second element of the pair.
    x: [Id; 2],
    cos: Id,
    sin: Id,
}

/// A product with a sign.
struct Product {
    minus: bool,
    factors: [Id; 2],
}

impl Rope {
    fn find(g: &mut Graph, root: &Root, width: usize, pairing: Pairing) -> Option<Vec<Rope>> {
        let split = root.dims.len().checked_sub(width)?;
        let (outer, inner) = root.dims.split_at(split);
        let size: i64 = root.shape[split..].iter().product();
        if size % 2 != 0 || size < 4 || outer.is_empty() {
            return None;
        }
        let pairs = size / 2;
        let (pair, i) = g.new_dim(pairs);
        let mut sums = vec![];
        for which in [0, 1] {
            let mut at = pairing.element(&i, which, pairs);
            let mut id = root.id;
            for (k, d) in inner.iter().enumerate().rev() {
                let own = if k == 0 {
                    at.clone()
                } else {
                    let (quotient, rest) = at.div_rem(g.sizes[*d as usize])?;
                    at = quotient;
                    rest
                };
                id = g.substitute(id, *d, &own)?;
            }
            sums.push(products(g, id)?);
        }
        let all = rotations(g, &sums[0], &sums[1]).into_iter();
        let rope = |(x, cos, sin)| Rope {
            pairing,
            outer: outer.to_vec(),
            pair,
            pairs,
            x,
            cos,
            sin,
        };
        Some(all.map(rope).collect())
    }

    fn write(&self, g: &mut Graph, root: &Root) -> Option<()> {
        let b = root.builder();
        let of = dims(g, self.cos);
        let large: Vec<u32> = self
            .outer
            .iter()
            .copied()
            .filter(|d| g.sizes[*d as usize] > 1)
            .collect();
        let tokens: Vec<u32> = large.iter().copied().filter(|d| of.contains(d)).collect();
        let token = match tokens[..] {
            [d] => Some(large.iter().position(|l| *l == d)?),
            [] => None,
            _ => return None,
        };
        // [A, B] with the tokens at one of the two
        let (first, second, token_dim) = match token {
            None => (fused(&axes(g, &large)), fused(&[]), 1),
            Some(at) if at + 1 == large.len() => (
                fused(&axes(g, &large[..at])),
                fused(&axes(g, &large[at..])),
                1,
            ),
            Some(0) => (
                fused(&axes(g, &large[..1])),
                fused(&axes(g, &large[1..])),
                0,
            ),
            Some(_) => return None,
        };
        let rows = if token_dim == 0 {
            first.clone()
        } else {
            second.clone()
        };
        let (_, d) = g.new_dim(self.pairs * 2);
        let steps = self.whole_head(g, &d)?;
        let x = b.tensor_of_steps(
            g,
            &steps,
            &[first.clone(), second.clone(), (d, self.pairs * 2)],
        )?;
        let table = [rows, (Ix::dim(self.pair, self.pairs), self.pairs)];
        let cos = b.tensor_of(g, self.cos, &table)?;
        let sin = b.tensor_of(g, self.sin, &table)?;
        let sizes = [first.1, second.1, self.pairs * 2];
        let ty = b.tensor(&sizes, &root.element())?;
        let init = b.empty(ty)?;
        let pairing = if self.pairing == Pairing::Half {
            "half"
        } else {
            "interleaved"
        };
        let attrs = [
            ("pairing", b.choice("pairing", pairing)?),
            ("token_dim", Attr::i64(b.ctx(), token_dim)),
        ];
        let result = b.op("spec.rope", &[x, cos, sin, init], &[ty], &attrs)?;
        let own: Vec<Axis> = root.axes(g);
        b.replace(b.reshape(result, &root.shape)?, &own, root.value, &own)
    }

    /// The ways to element `d` of the head, from those to the first and second element of a pair.
    fn whole_head(&self, g: &mut Graph, d: &Ix) -> Option<Vec<Step>> {
        let (i, which) = self.pairing.pair(d, self.pairs)?;
        let [first, second] = self.x.map(|x| g.closed(x));
        let second = g.steps(second).to_vec();
        let mut out = vec![];
        for (value, a) in g.steps(first).to_vec() {
            let Some((_, b)) = second.iter().find(|s| s.0 == value) else {
                continue;
            };
            let both: Option<Vec<Ix>> = a
                .iter()
                .zip(b)
                .map(|(a, b)| {
                    let apart = b.minus(a).as_constant()?;
                    Some(a.substitute(self.pair, &i)?.add(&which.times(apart)))
                })
                .collect();
            if let Some(index) = both {
                out.push((value, index));
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

/// A sum of two products.
fn products(g: &mut Graph, id: Id) -> Option<[Product; 2]> {
    let (_, node) = g.op_node(id);
    let (a, b, minus) = match node {
        Node::Bin(Bin::Add, a, b) => (a, b, false),
        Node::Bin(Bin::Sub, a, b) => (a, b, true),
        _ => return None,
    };
    let (first, mut second) = (one_product(g, a)?, one_product(g, b)?);
    second.minus ^= minus;
    Some([first, second])
}

fn one_product(g: &mut Graph, id: Id) -> Option<Product> {
    let mut minus = false;
    let (_, mut node) = g.op_node(id);
    if let Node::Un(Un::Neg, a) = node {
        minus = true;
        node = g.op_node(a).1;
    }
    let Node::Bin(Bin::Mul, a, b) = node else {
        return None;
    };
    let mut factors = [a, b];
    for f in &mut factors {
        if let (_, Node::Un(Un::Neg, inner)) = g.op_node(*f) {
            *f = inner;
            minus = !minus;
        }
        *f = g.closed(*f);
    }
    Some(Product { minus, factors })
}

/// Pair, cosine and sine of `a c - b s` and `b c + a s`. There are two readings: the pair may also be the table.
fn rotations(g: &mut Graph, first: &[Product; 2], second: &[Product; 2]) -> Vec<([Id; 2], Id, Id)> {
    let mut found = vec![];
    let (plus, minus) = match (first[0].minus, first[1].minus) {
        (false, true) => (&first[0], &first[1]),
        (true, false) => (&first[1], &first[0]),
        _ => return found,
    };
    if second[0].minus || second[1].minus {
        return found;
    }
    for p in 0..4 {
        let (a, c) = (plus.factors[p & 1], plus.factors[1 - (p & 1)]);
        let (b, s) = (minus.factors[p >> 1], minus.factors[1 - (p >> 1)]);
        for (with_b, with_a) in [(&second[0], &second[1]), (&second[1], &second[0])] {
            if is_product(g, with_b, b, c) && is_product(g, with_a, a, s) && a != b {
                found.push(([a, b], c, s));
            }
        }
    }
    found
}

fn is_product(g: &mut Graph, p: &Product, a: Id, b: Id) -> bool {
    let [x, y] = p.factors;
    let mut both = |x, y| g.same(x, a) && g.same(y, b);
    both(x, y) || both(y, x)
}
