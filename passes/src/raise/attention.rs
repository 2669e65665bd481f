//! Attention over a cache: `spec.attention`.
//!
//! The root is the product of probabilities with values. From there: the softmax, what was done to the scores, the product
//! of queries with keys.

use super::build::{Axis, Builder};
use super::emit;
use super::graph::{Bin, Graph, Id, MaskKey, Node, Un};
use super::index::{Atom, Ix};
use super::linear::{Product, axes, dims, fused, product};
use super::mask::{self, HIDDEN, Mask, Positioned, Space};
use super::root::Root;
use super::softmax;
use spec_dialect::ffi::Value;

/// What was done to the product of queries and keys.
struct Scores {
    q: Id,
    k: Id,
    /// The dimension of the head that is summed over.
    inner: u32,
    scale: f64,
    softcap: f64,
    masks: Vec<Mask>,
}

/// Raises the root, if it is attention.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let Product {
        a,
        b,
        sum,
        start: None,
    } = product(g, root.id)?
    else {
        return None;
    };
    let [t] = sum[..] else { return None };
    let mut found = None;
    for (p, v) in [(a, b), (b, a)] {
        if let Some(scores) = softmax::scores(g, p, t) {
            found = Some((scores, v));
            break;
        }
    }
    let (scores, v) = found?;
    let scores = peel(g, scores, t, 12)?;
    let unresolved = scores.masks.clone();
    let mut this = Attention {
        v: g.closed(v),
        t,
        own: root.dims.clone(),
        scores,
        unresolved,
    };
    this.scores.q = scaled(g, this.scores.q, &mut this.scores.scale);
    this.scores.k = scaled(g, this.scores.k, &mut this.scores.scale);
    this.split_dims(g)?;
    this.write(g, root)
}

/// A factor of queries or keys moves to the scores.
fn scaled(g: &mut Graph, id: Id, scale: &mut f64) -> Id {
    let id = g.closed(id);
    match g.op_node(id).1 {
        Node::Bin(Bin::Mul, a, b) => match (g.as_float(a), g.as_float(b)) {
            (Some(c), None) => {
                *scale *= c;
                g.closed(b)
            }
            (None, Some(c)) => {
                *scale *= c;
                g.closed(a)
            }
            _ => id,
        },
        Node::Bin(Bin::Div, a, b) => match g.as_float(b) {
            Some(c) => {
                *scale /= c;
                g.closed(a)
            }
            None => id,
        },
        _ => id,
    }
}

/// From scores that went into the softmax to the product of queries and keys.
fn peel(g: &mut Graph, id: Id, t: u32, depth: u32) -> Option<Scores> {
    let depth = depth.checked_sub(1)?;
    let (top, node) = g.op_node(id);
    match node {
        Node::Bin(Bin::Add, a, b) => {
            for (inner, mask) in [(a, b), (b, a)] {
                if let Some(mut s) = peel(g, inner, t, depth) {
                    s.masks.push(Mask::Added(mask));
                    return Some(s);
                }
            }
            None
        }
        Node::Select(c, a, b) => {
            let hides = |v: Option<f64>| v.is_some_and(|v| v <= HIDDEN);
            let (inner, mask) = if hides(g.as_float(b)) {
                (a, Mask::Visible(c))
            } else if hides(g.as_float(a)) {
                (b, Mask::Hidden(c))
            } else {
                return None;
            };
            let mut s = peel(g, inner, t, depth)?;
            s.masks.push(mask);
            Some(s)
        }
        Node::Bin(Bin::Mul | Bin::Div, a, b) => {
            let (inner, c) = match (g.as_float(a), g.as_float(b)) {
                (_, Some(c)) => (
                    a,
                    if matches!(node, Node::Bin(Bin::Div, ..)) {
                        1.0 / c
                    } else {
                        c
                    },
                ),
                (Some(c), _) if matches!(node, Node::Bin(Bin::Mul, ..)) => (b, c),
                _ => return None,
            };
            scaled_scores(g, inner, c, t, depth)
        }
        Node::Reduce(..) => dot(g, top, t),
        _ => None,
    }
}

/// `c * scores`, with `c * tanh(scores)` as the special case.
fn scaled_scores(g: &mut Graph, inner: Id, c: f64, t: u32, depth: u32) -> Option<Scores> {
    if let (_, Node::Un(Un::Tanh, argument)) = g.op_node(inner) {
        let mut s = peel(g, argument, t, depth)?;
        if !s.masks.is_empty() || s.softcap != 0.0 || c <= 0.0 {
            return None;
        }
        s.softcap = c;
        s.scale *= c;
        return Some(s);
    }
    let mut s = peel(g, inner, t, depth)?;
    if s.softcap != 0.0 || s.masks.iter().any(|m| matches!(m, Mask::Added(_))) || c <= 0.0 {
        return None;
    }
    s.scale *= c;
    Some(s)
}

fn dot(g: &mut Graph, id: Id, t: u32) -> Option<Scores> {
    let Product {
        a,
        b,
        sum,
        start: None,
    } = product(g, id)?
    else {
        return None;
    };
    let [inner] = sum[..] else { return None };
    let (q, k) = match (dims(g, a).contains(&t), dims(g, b).contains(&t)) {
        (false, true) => (a, b),
        (true, false) => (b, a),
        _ => return None,
    };
    Some(Scores {
        q,
        k,
        inner,
        scale: 1.0,
        softcap: 0.0,
        masks: vec![],
    })
}

struct Attention {
    v: Id,
    t: u32,
    /// Dimensions of the root, those that were split in their parts.
    own: Vec<u32>,
    scores: Scores,
    /// The masks as they were found, at the dimensions of now.
    unresolved: Vec<Mask>,
}

/// Roles of the root's dimensions.
struct Roles {
    kv: Vec<u32>,
    groups: Vec<u32>,
    tokens: Vec<u32>,
    head: Vec<u32>,
}

/// Keys and values, in one layout.
struct Rows {
    k: Value,
    v: Value,
}

impl Attention {
    /// Splits dimensions that mean two things (KV head and head in a group; head in a group and token).
    fn split_dims(&mut self, g: &mut Graph) -> Option<()> {
        for _ in 0..8 {
            let Some((dim, low)) = self.digit(g) else {
                return Some(());
            };
            let size = g.sizes[dim as usize];
            let (high_dim, high) = g.new_dim(size / low);
            let (low_dim, rest) = g.new_dim(low);
            let by = high.times(low).add(&rest);
            let s = &mut self.scores;
            self.v = g.substitute(self.v, dim, &by)?;
            s.q = g.substitute(s.q, dim, &by)?;
            s.k = g.substitute(s.k, dim, &by)?;
            for m in &mut s.masks {
                *m = m.at(g, dim, &by)?;
            }
            for m in &mut self.unresolved {
                *m = m.with(g.substitute(m.id(), dim, &by)?);
            }
            let at = self.own.iter().position(|d| *d == dim)?;
            self.own.splice(at..=at, [high_dim, low_dim]);
        }
        None
    }

    /// A dimension of the root of which only a digit is used somewhere, and the size of its lower part.
    fn digit(&mut self, g: &mut Graph) -> Option<(u32, i64)> {
        for m in &mut self.scores.masks {
            *m = m.resolved(g);
        }
        let masks = self.scores.masks.iter().map(|m| m.id());
        let all: Vec<Id> = [self.v, self.scores.q, self.scores.k]
            .into_iter()
            .chain(masks)
            .collect();
        let mut terms = vec![];
        for id in all {
            digits(g, id, &mut terms, 40);
        }
        let of = dims(g, self.v);
        let score_dims = dims(g, self.scores.q);
        terms.into_iter().find_map(|(dim, div, ext)| {
            let size = g.sizes[dim as usize];
            // the head's own dimension may be split as it likes
            let row = self.own.contains(&dim) && (score_dims.contains(&dim) || !of.contains(&dim));
            let low = if div > 1 { div } else { ext };
            (row && (div > 1 || ext < size)).then_some((dim, low))
        })
    }

    fn roles(&self, g: &Graph) -> Option<Roles> {
        let (of_v, of_q, of_k) = (
            dims(g, self.v),
            dims(g, self.scores.q),
            dims(g, self.scores.k),
        );
        let mut of_masks = vec![];
        for m in &self.scores.masks {
            of_masks.extend(dims(g, m.id()));
        }
        let large: Vec<u32> = self
            .own
            .iter()
            .copied()
            .filter(|d| g.sizes[*d as usize] > 1)
            .collect();
        let mut roles = Roles {
            kv: vec![],
            groups: vec![],
            tokens: vec![],
            head: vec![],
        };
        for d in large {
            match (of_v.contains(&d), of_q.contains(&d)) {
                (true, true) if !of_masks.contains(&d) => roles.kv.push(d),
                (false, true) if of_masks.contains(&d) => roles.tokens.push(d),
                (false, true) => roles.groups.push(d),
                (true, false) => roles.head.push(d),
                _ => return None,
            }
        }
        let known = |d: &u32| *d == self.t || *d == self.scores.inner || roles.kv.contains(d);
        (of_k.iter().all(known) && roles.tokens.len() <= 1).then_some(roles)
    }

    /// The number of cache rows, if new rows follow behind the cache's.
    fn cache_rows(&self, g: &mut Graph) -> Option<i64> {
        let size = g.sizes[self.t as usize];
        let Node::Select(condition, ..) = g.open(self.v).map(|id| g.node(id).clone())? else {
            return None;
        };
        let Node::Cmp(false, 2, a, b) = *g.node(condition) else {
            return None;
        };
        let rows = g.as_ix(b).as_constant()?;
        (g.as_ix(a) == Ix::dim(self.t, size) && 0 < rows && rows < size).then_some(rows)
    }

    fn write(&self, g: &mut Graph, root: &Root) -> Option<()> {
        let b = root.builder();
        let roles = self.roles(g)?;
        let kv = fused(&axes(g, &roles.kv));
        let heads: Vec<u32> = roles.kv.iter().chain(&roles.groups).copied().collect();
        let (h, m) = (fused(&axes(g, &heads)), fused(&axes(g, &roles.tokens)));
        let (d, e) = (
            fused(&axes(g, &roles.head)),
            fused(&axes(g, &[self.scores.inner])),
        );
        if d.1 != e.1 {
            return None;
        }
        let size = g.sizes[self.t as usize];
        let rows = self.cache_rows(g);
        if rows.is_some_and(|c| size - c != m.1) {
            return None;
        }
        let position = self.position(g, &roles, rows);
        let q = b.tensor_of(g, self.scores.q, &[h.clone(), m.clone(), e.clone()])?;
        let cache = self.part(g, 0, rows.unwrap_or(size))?;
        let (layout, old) = cache.old(g, b, &kv, &d, &e)?;
        let new = match rows {
            Some(c) => {
                let new = self
                    .part(g, c, size - c)?
                    .arranged(g, b, &kv, &d, &e, layout, true)?;
                vec![new.k, new.v]
            }
            None => vec![],
        };
        let (position, mask) = match position {
            Some(p) => (vec![b.index_of(g, &p)?], vec![]),
            None => (vec![], vec![self.mask(g, b, &m)?]),
        };
        let ty = b.tensor(&[h.1, m.1, d.1], &root.element())?;
        let init = b.empty(ty)?;
        let attrs = [
            ("kv_layout", b.choice("kv_layout", layout)?),
            ("scale", b.float(self.scores.scale)?),
            ("softcap", b.float(self.scores.softcap)?),
        ];
        let (k_new, v_new) = new.split_at(new.len() / 2);
        let groups: [&[Value]; 8] = [
            &[q],
            &[old.k],
            &[old.v],
            k_new,
            v_new,
            &position,
            &mask,
            &[init],
        ];
        let result = b.segmented("spec.attention", &groups, ty, &attrs)?;
        let order: Vec<u32> = heads
            .into_iter()
            .chain(roles.tokens)
            .chain(roles.head)
            .collect();
        let (order, own) = (axes(g, &order), axes(g, &self.own));
        b.replace(result, &order, root.value, &own)
    }

    /// The position, if the masks are proved to hide the future and nothing else.
    fn position(&self, g: &mut Graph, roles: &Roles, rows: Option<i64>) -> Option<Ix> {
        let masks = &self.scores.masks;
        let count: i64 = roles.tokens.iter().map(|d| g.sizes[*d as usize]).product();
        let tokens = (roles.tokens.first().copied(), count);
        let size = g.sizes[self.t as usize];
        let Some(c) = rows else {
            let space = Space {
                tokens,
                rows: (Some(self.t), size),
                last: size - count,
            };
            let probe = |g: &Graph, masks: &[Mask], symbol| {
                let visible = mask::visible_rows(g, masks, space, symbol, size / 2)?;
                Some((size / 2, visible.len() as i64 - 1))
            };
            let p = Positioned::of(g, masks, probe)?;
            let key = self.key(g, roles, 0);
            let causal = known(g, key, |g| {
                let turns = |m, t| [t - m, t - m];
                mask::proved(g, &p.masks, space, p.symbol, turns, |p, m, t| t <= p + m)
            });
            return causal.then_some(p.position);
        };
        let (old, old_ix) = g.new_dim(c);
        let (new, new_ix) = g.new_dim(size - c);
        let mut at =
            |by: &Ix| -> Option<Vec<Mask>> { masks.iter().map(|m| m.at(g, self.t, by)).collect() };
        let (before, after) = (at(&old_ix)?, at(&new_ix.plus(c))?);
        let space = Space {
            tokens,
            rows: (dim(old, c), c),
            last: c,
        };
        let probe = |g: &Graph, masks: &[Mask], symbol| {
            let visible = mask::visible_rows(g, masks, space, symbol, c / 2)?;
            Some((c / 2, visible.len() as i64))
        };
        let p = Positioned::of(g, &before, probe)?;
        let renamed: Option<Vec<Mask>> = after
            .iter()
            .map(|m| p.renamed(g, m.id()).map(|id| m.with(id)))
            .collect();
        let (renamed, key) = (renamed?, self.key(g, roles, c));
        let causal = known(g, key, |g| {
            let later = Space {
                rows: (dim(new, size - c), size - c),
                ..space
            };
            mask::proved(
                g,
                &p.masks,
                space,
                p.symbol,
                |_, t| [t, t + 1],
                |p, _, t| t < p,
            ) && mask::proved(
                g,
                &renamed,
                later,
                p.symbol,
                |_, _| [0, 0],
                |_, m, t| t <= m,
            )
        });
        causal.then_some(p.position)
    }

    /// The mask, if it is one tensor, with token and row as the first two dimensions of its index.
    fn key(&self, g: &Graph, roles: &Roles, cache: i64) -> Option<MaskKey> {
        let [Mask::Added(id)] = self.unresolved[..] else {
            return None;
        };
        let Node::Elem(value, index) = g.node(g.closed(id)) else {
            return None;
        };
        let token = roles.tokens.first().copied();
        let renamed = |ix: &Ix| {
            let mut ix = ix.clone();
            for t in &mut ix.terms {
                t.atom = match t.atom {
                    Atom::Dim(d) if Some(d) == token => Atom::Dim(0),
                    Atom::Dim(d) if d == self.t => Atom::Dim(1),
                    _ => return None,
                };
            }
            Some(ix)
        };
        let index: Option<Vec<Ix>> = index.iter().map(renamed).collect();
        let tokens = token.map_or(1, |d| g.sizes[d as usize]);
        Some((*value, index?, tokens, g.sizes[self.t as usize], cache))
    }

    /// The masks as a tensor [M, T].
    fn mask(&self, g: &mut Graph, b: Builder, tokens: &Axis) -> Option<Value> {
        let row = fused(&axes(g, &[self.t]));
        let pair = [tokens.clone(), row];
        let number = mask::as_number(g, &self.scores.masks);
        if let Node::Elem(v, _) = g.node(number)
            && v.ty().shape().element == spec_dialect::ffi::Element::Float(32)
            && let Some(view) = b.tensor_of(g, number, &pair)
        {
            return Some(view);
        }
        emit::tensor_as(g, b, number, &pair, "f32")
    }

    /// Keys and values of `count` rows from `start` on.
    fn part(&self, g: &mut Graph, start: i64, count: i64) -> Option<Part> {
        let (_, ix) = g.new_dim(count);
        let by = ix.plus(start);
        let k = g.substitute(self.scores.k, self.t, &by)?;
        let v = g.substitute(self.v, self.t, &by)?;
        Some(Part {
            k,
            v,
            rows: (ix, count),
        })
    }
}

/// What is known of a mask, or is found out now.
fn known(g: &mut Graph, key: Option<MaskKey>, prove: impl FnOnce(&Graph) -> bool) -> bool {
    if let Some(known) = key.as_ref().and_then(|k| g.proofs.get(k)) {
        return *known;
    }
    let proved = prove(g);
    g.proofs.extend(key.map(|k| (k, proved)));
    proved
}

/// A dimension that has more than one value.
fn dim(dim: u32, size: i64) -> Option<u32> {
    (size > 1).then_some(dim)
}

/// Some rows of keys and values.
struct Part {
    k: Id,
    v: Id,
    rows: Axis,
}

impl Part {
    /// In a layout; by views only, unless they may be transposed.
    #[allow(clippy::too_many_arguments)]
    fn arranged(
        &self,
        g: &mut Graph,
        b: Builder,
        kv: &Axis,
        d: &Axis,
        e: &Axis,
        layout: &str,
        copy: bool,
    ) -> Option<Rows> {
        let order = |last: &Axis| {
            if layout == "head_major" {
                [kv.clone(), self.rows.clone(), last.clone()]
            } else {
                [self.rows.clone(), kv.clone(), last.clone()]
            }
        };
        let mut one = |id: Id, last: &Axis| {
            if copy {
                b.tensor_of(g, id, &order(last))
            } else {
                b.view(g, id, &order(last))
            }
        };
        Some(Rows {
            k: one(self.k, e)?,
            v: one(self.v, d)?,
        })
    }

    /// In the layout that they have.
    fn old(
        &self,
        g: &mut Graph,
        b: Builder,
        kv: &Axis,
        d: &Axis,
        e: &Axis,
    ) -> Option<(&'static str, Rows)> {
        for copy in [false, true] {
            for layout in ["head_major", "token_major"] {
                if let Some(rows) = self.arranged(g, b, kv, d, e, layout, copy) {
                    return Some((layout, rows));
                }
            }
        }
        None
    }
}

/// Parts of dimensions in an expression that was not opened: dimension, divisor, extent.
fn digits(g: &Graph, id: Id, out: &mut Vec<(u32, i64, i64)>, depth: u32) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let of = |ix: &Ix, out: &mut Vec<(u32, i64, i64)>| {
        for t in &ix.terms {
            match t.atom {
                Atom::Dim(d) => out.push((d, t.div, t.ext)),
                Atom::Node(n) => digits(g, n, out, depth),
            }
        }
    };
    match g.node(id) {
        Node::Elem(_, index) => index.iter().for_each(|ix| of(ix, out)),
        Node::Int(ix) => of(ix, out),
        Node::Un(_, a) | Node::Cast(_, a) => digits(g, *a, out, depth),
        Node::Bin(_, a, b) | Node::Cmp(_, _, a, b) => {
            digits(g, *a, out, depth);
            digits(g, *b, out, depth);
        }
        Node::Select(a, b, c) => [a, b, c]
            .into_iter()
            .for_each(|x| digits(g, *x, out, depth)),
        _ => {}
    }
}
