//! Measures one forward call: parameters, vocabulary, layers, heads, caches, FLOPs and bytes by op class.

mod costs;
mod tokens;

use super::bounds::volume;
use super::classes::{Classes, classify};
use super::facts::{Contraction, Kind};
use super::find::{Analysis, Instance};
use super::graph::{Edge, NodeKind};
use super::model_ops::{self, Storage};
use petgraph::graph::NodeIndex;
use rustc_hash::FxHashMap as HashMap;
use spec_cost::{DType, ModelShape, OpClass};
use spec_dialect::ffi::{Element, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A parameter tensor, or a stack of them.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The node that provides it: an argument, a constant, a global.
    pub node: NodeIndex,
    /// The value.
    pub value: Value,
    /// Element type: of what is stored, which for packed integers is narrower than the tensor's.
    pub element: Element,
    /// Parameters in it: two a byte of packed integers, none in scales.
    pub elements: u64,
    /// Bytes.
    pub bytes: u64,
    /// Type in the cost model's terms.
    pub dtype: DType,
}

impl Parameter {
    fn new(node: NodeIndex, value: Value, stored: Storage) -> Self {
        let tensor = value.ty().shape().element;
        let (element, dtype) = match stored {
            Storage::Quantised(d @ (DType::I4 | DType::W4A8)) => (Element::Int(4), d),
            Storage::Quantised(dtype) => (tensor, dtype),
            Storage::Plain | Storage::Scales => (tensor, dtype_of(tensor)),
        };
        Parameter {
            node,
            value,
            element,
            elements: stored.parameters(elements(value)),
            bytes: bytes(value),
            dtype,
        }
    }
}

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Sizes and costs, in the cost model's terms.
    pub shape: ModelShape,
    /// Tokens a call.
    pub tokens: u64,
    /// Cache length.
    pub context: u64,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// KV caches that come from outside the call.
    pub caches: Vec<(NodeIndex, Value)>,
    /// Element type that most parameters have.
    pub element: Element,
    /// Op class of each member op.
    pub classes: Classes,
    /// Products and other ops that fell into a named class, and ops that did not.
    pub recognised: u64,
    /// Arithmetic ops of no named class.
    pub unrecognised: u64,
    /// Loops in the call whose trip count is not a constant.
    pub unknown_trips: bool,
}

struct Measure<'a> {
    a: &'a Analysis,
    i: &'a Instance,
    classes: Classes,
    roots: HashMap<NodeIndex, Rc<Vec<(NodeIndex, f64)>>>,
}

/// Measures an instance. `name` becomes the name of the shape.
pub fn measure(a: &Analysis, i: &Instance, name: &str) -> Measured {
    let mut m = Measure {
        a,
        i,
        classes: classify(a, i),
        roots: HashMap::default(),
    };
    let hidden = m.hidden();
    let tokens = m.tokens(hidden);
    let layers = m.layers();
    let caches = m.caches();
    let attention = m.attention();
    let context = attention.map_or(0, |x| m.context(&caches, x.inner, tokens));
    let (heads, head_dim) = attention.map_or((0, 0), |x| (x.rows / tokens.max(1), x.head_dim));
    let cache_elements: u64 = caches.iter().map(|(_, v)| elements(*v)).sum();
    let cache_bytes: u64 = caches.iter().map(|(_, v)| bytes(*v)).sum();
    let per_head = volume([2, layers, context, head_dim]);
    let kv_heads = match (cache_elements.checked_div(per_head), attention) {
        (Some(n), _) if n > 0 => n,
        (_, Some(x)) => x.batch,
        _ => 0,
    };
    let parameters = m.parameters(&caches);
    let (element, dtype) = main_type(&parameters);
    let classes = m.costs(tokens, context);
    let total: u64 = parameters.iter().map(|p| p.elements).sum();
    let kv_element = caches.first().map(|(_, v)| v.ty().shape().element);
    let shape = ModelShape {
        name: name.into(),
        parameters: total,
        weight_bytes: parameters.iter().map(|p| p.bytes).sum(),
        dtype,
        vocabulary: i.vocabulary,
        layers,
        hidden,
        heads,
        kv_heads,
        head_dim,
        context_limit: (context > 0).then_some(context),
        kv_bytes_per_token: cache_bytes.checked_div(context).unwrap_or(0),
        kv_dtype: kv_element.map_or(DType::F32, dtype_of),
        entry_tokens: vec![tokens],
        classes,
    };
    let arithmetic = |n: &&NodeIndex| {
        m.a.active[n.index()]
            && m.a.facts[n.index()].as_ref().is_some_and(|f| {
                matches!(
                    f.kind,
                    Kind::Contraction(_)
                        | Kind::Attention(_)
                        | Kind::Reduction
                        | Kind::Elementwise
                        | Kind::Gather { .. }
                        | Kind::Other
                )
            })
    };
    let named = |c: Option<&OpClass>| c.is_some_and(|c| *c != OpClass::Other);
    let recognised = i
        .nodes
        .iter()
        .filter(arithmetic)
        .filter(|n| named(m.classes.get(n)))
        .count() as u64;
    let unrecognised = i.nodes.iter().filter(arithmetic).count() as u64 - recognised;
    let unknown_trips = i.nodes.iter().any(|n| m.has_unknown_trips(*n));
    let classes = m.classes;
    Measured {
        shape,
        tokens,
        context,
        parameters,
        caches,
        element,
        classes,
        recognised,
        unrecognised,
        unknown_trips,
    }
}

fn elements(v: Value) -> u64 {
    volume(v.ty().shape().dims.iter().map(|d| d.unwrap_or(1)))
}

fn bytes(v: Value) -> u64 {
    let bits = v.ty().shape().element.bits();
    elements(v).saturating_mul(bits).div_ceil(8)
}

fn dtype_of(e: Element) -> DType {
    match e {
        Element::Float(64) => DType::F64,
        Element::Float(16) => DType::F16,
        Element::BFloat16 => DType::BF16,
        Element::Int(4) => DType::I4,
        Element::Int(8) => DType::I8, // two 4-bit weights a byte cannot be told from the type alone
        _ => DType::F32,
    }
}

#[derive(Clone, Copy)]
struct Attention {
    rows: u64,
    head_dim: u64,
    inner: u64,
    batch: u64,
}

impl Measure<'_> {
    fn trips(&self, n: NodeIndex) -> u64 {
        self.a.graph.trips(n, self.i.scope)
    }

    fn has_unknown_trips(&self, n: NodeIndex) -> bool {
        let mut s = self.a.graph.graph[n].scope;
        while s != self.i.scope {
            if !self.a.graph.scopes[s].trips_known {
                return true;
            }
            match self.a.graph.scopes[s].parent {
                Some(p) => s = p,
                None => break,
            }
        }
        false
    }

    fn contraction(&self, n: NodeIndex) -> Option<Contraction> {
        match self.a.kind(n) {
            Some(Kind::Contraction(c)) => Some(c),
            _ => None,
        }
    }

    /// Width of the embedding table's rows, else the head's inner size.
    fn hidden(&self) -> u64 {
        let width = self
            .i
            .embeddings
            .first()
            .and_then(|n| match self.a.kind(*n) {
                Some(Kind::Gather { rows, table }) => {
                    let op = self.a.graph.op(*n)?;
                    let stored = model_ops::storage(op, table);
                    stored.parameters(elements(table)).checked_div(rows)
                }
                _ => None,
            });
        width
            .or_else(|| Some(self.contraction(*self.i.heads.first()?)?.inner))
            .unwrap_or(0)
    }

    /// Number of attention blocks: sums of a softmax that is not the sampler's.
    fn layers(&self) -> u64 {
        let counts = |wanted: &dyn Fn(NodeIndex) -> bool| {
            self.i
                .nodes
                .iter()
                .filter(|n| wanted(**n))
                .map(|n| self.trips(*n))
                .sum::<u64>()
        };
        let softmax = counts(&|n| {
            self.is_softmax_sum(n) || matches!(self.a.kind(n), Some(Kind::Attention(_)))
        });
        if softmax > 0 {
            softmax
        } else {
            counts(&|n| self.classes.get(&n) == Some(&OpClass::Attention)) / 2
        }
    }

    fn is_softmax_sum(&self, n: NodeIndex) -> bool {
        if self.classes.get(&n) != Some(&OpClass::Softmax) || !self.a.active[n.index()] {
            return false;
        }
        let f = self.a.facts[n.index()].as_ref();
        let named = self
            .a
            .graph
            .op(n)
            .is_some_and(|o| o.name() == "linalg.softmax");
        named || f.is_some_and(|f| f.kind == Kind::Reduction && f.features.add && !f.features.max)
    }

    /// The factor of an attention product that holds keys or values (the other is queries or probabilities).
    fn cache_factor(&self, n: NodeIndex) -> Option<usize> {
        let f = self.a.factors(n)?;
        let c = self.contraction(n)?;
        let probabilities = f.map(|(s, _)| self.comes_from(s, OpClass::Softmax));
        Some(match probabilities {
            [true, false] => 1,
            [false, true] => 0,
            _ => {
                let cached = f.map(|(s, _)| self.touches_cache(s));
                match cached {
                    [true, false] => 0,
                    [false, true] => 1,
                    _ => usize::from(c.free[1] >= c.free[0]),
                }
            }
        })
    }

    fn comes_from(&self, mut n: NodeIndex, class: OpClass) -> bool {
        for _ in 0..12 {
            if self.classes.get(&n) == Some(&class) {
                return true;
            }
            let view = matches!(self.a.kind(n), Some(Kind::View));
            match self.a.inputs(n).find(|(s, _)| self.a.active[s.index()]) {
                Some((s, _)) if view => n = s,
                _ => return false,
            }
        }
        false
    }

    fn touches_cache(&self, mut n: NodeIndex) -> bool {
        for _ in 0..12 {
            if self.a.cache[n.index()] || self.classes.get(&n) == Some(&OpClass::CacheUpdate) {
                return true;
            }
            match self.a.inputs(n).next() {
                Some((s, _)) if matches!(self.a.kind(n), Some(Kind::View | Kind::Concat)) => n = s,
                _ => return false,
            }
        }
        false
    }

    /// Sizes of the product of probabilities and values.
    fn attention(&self) -> Option<Attention> {
        let named = self.i.nodes.iter().find_map(|n| match self.a.kind(*n) {
            Some(Kind::Attention(x)) => Some(Attention {
                rows: x.heads.saturating_mul(x.tokens),
                head_dim: x.head_dim,
                inner: x.rows,
                batch: x.kv_heads,
            }),
            _ => None,
        });
        if named.is_some() {
            return named;
        }
        let of_values = |n: &&NodeIndex| {
            self.classes.get(n) == Some(&OpClass::Attention)
                && self
                    .a
                    .factors(**n)
                    .is_some_and(|f| f.iter().any(|(s, _)| self.comes_from(*s, OpClass::Softmax)))
        };
        let n = *self.i.nodes.iter().find(of_values)?;
        let c = self.contraction(n)?;
        let v = self.cache_factor(n)?;
        Some(Attention {
            rows: c.batch.saturating_mul(c.free[1 - v]),
            head_dim: c.free[v],
            inner: c.inner,
            batch: c.batch,
        })
    }

    /// Caches that come from outside the call, as the outermost value known.
    fn caches(&self) -> Vec<(NodeIndex, Value)> {
        let mut found: BTreeMap<NodeIndex, Value> = BTreeMap::new();
        for &n in &self.i.nodes {
            for (s, e) in self.a.inputs(n) {
                if self.a.cache[s.index()]
                    && let Some((root, value)) = self.cache_root(s, e.value)
                {
                    found.insert(root, value);
                }
            }
        }
        found
            .into_iter()
            .filter(|(_, v)| squeezed(*v).len() >= 2)
            .collect()
    }

    /// Follows a cache out of the call's own loops; `None` if it starts empty there (an accumulator of new rows).
    fn cache_root(&self, n: NodeIndex, value: Value) -> Option<(NodeIndex, Value)> {
        let (mut n, mut value) = (n, value);
        loop {
            let node = &self.a.graph.graph[n];
            let own_loop = matches!(node.kind, NodeKind::Inner(_))
                && node.scope != self.i.scope
                && self.a.graph.is_within(node.scope, self.i.scope);
            let own_view =
                self.a.graph.op(n).is_some() && self.a.graph.is_within(node.scope, self.i.scope);
            let made_here = own_view && !matches!(self.a.kind(n), Some(Kind::View));
            let starts_empty = matches!(self.a.kind(n), Some(Kind::Constant { .. } | Kind::Fill));
            if made_here || starts_empty {
                return None;
            }
            if !own_loop && !own_view {
                return Some((n, value));
            }
            let (source, edge) = self.a.inputs(n).find(|(_, e)| is_parameter_type(e))?;
            (n, value) = (source, edge.value);
        }
    }

    /// The cache length: the cache's dimension that attention runs over (with or without the new rows).
    fn context(&self, caches: &[(NodeIndex, Value)], inner: u64, tokens: u64) -> u64 {
        let dims: Vec<u64> = caches.iter().flat_map(|(_, v)| squeezed(*v)).collect();
        [inner, inner.saturating_sub(tokens)]
            .into_iter()
            .find(|s| dims.contains(s))
            .unwrap_or(inner)
    }

    /// Static providers of a value, each with the share of it that is used.
    fn roots(&mut self, n: NodeIndex) -> Rc<Vec<(NodeIndex, f64)>> {
        if let Some(r) = self.roots.get(&n) {
            return r.clone();
        }
        self.roots.insert(n, Rc::default()); // a cycle ends here
        let mut out: BTreeMap<NodeIndex, f64> = BTreeMap::new();
        match self.a.graph.graph[n].kind {
            NodeKind::Arg(_) => _ = out.insert(n, 1.0),
            _ if matches!(self.a.kind(n), Some(Kind::Constant { .. } | Kind::Global)) => {
                _ = out.insert(n, 1.0)
            }
            _ => {
                let slice = self
                    .a
                    .graph
                    .op(n)
                    .filter(|o| o.name() == "tensor.extract_slice");
                let inputs: Vec<(NodeIndex, Edge)> = self
                    .a
                    .inputs(n)
                    .filter(|(s, e)| !self.a.active[s.index()] && is_parameter_type(e))
                    .collect();
                for (s, e) in inputs {
                    let share = slice
                        .and_then(|o| {
                            Some(elements(o.results().next()?) as f64 / e.elements.max(1) as f64)
                        })
                        .unwrap_or(1.0);
                    for (root, f) in self.roots(s).iter() {
                        let kept = out.entry(*root).or_insert(0.0);
                        *kept = kept.max(f * share);
                    }
                }
            }
        }
        let out = Rc::new(out.into_iter().collect::<Vec<_>>());
        self.roots.insert(n, out.clone());
        out
    }

    fn root_value(&self, n: NodeIndex) -> Option<Value> {
        match self.a.graph.graph[n].kind {
            NodeKind::Arg(v) | NodeKind::Inner(v) => Some(v),
            _ => self.a.graph.op(n)?.results().next(),
        }
    }

    /// All parameter tensors that reach the call's activations.
    fn parameters(&mut self, caches: &[(NodeIndex, Value)]) -> Vec<Parameter> {
        let mut users: BTreeMap<NodeIndex, Vec<OpClass>> = BTreeMap::new();
        let mut storage: BTreeMap<NodeIndex, Storage> = BTreeMap::new();
        for &n in &self.i.nodes {
            if !self.a.active[n.index()] || matches!(self.a.kind(n), Some(Kind::Attention(_))) {
                continue;
            }
            let Some(&class) = self.classes.get(&n) else {
                continue;
            };
            let gather_table = match self.a.kind(n) {
                Some(Kind::Gather { table, .. }) => Some(table),
                _ => None,
            };
            let inputs: Vec<(NodeIndex, Edge)> = self
                .a
                .inputs(n)
                .filter(|(s, e)| !self.a.active[s.index()] && is_parameter_type(e))
                .collect();
            for (s, e) in inputs {
                let looked_up = gather_table == Some(e.value);
                let class = if looked_up && !self.i.embeddings.contains(&n) {
                    self.position_table_class(n)
                } else {
                    class
                };
                let stored = self.a.graph.op(n).map(|op| model_ops::storage(op, e.value));
                for (root, _) in self.roots(s).iter() {
                    users.entry(*root).or_default().push(class);
                    let kept = storage.entry(*root).or_insert(Storage::Plain);
                    *kept = stored.map_or(*kept, |s| s.max(*kept));
                }
            }
        }
        let auxiliary = |c: &OpClass| {
            matches!(
                c,
                OpClass::Rope
                    | OpClass::Softmax
                    | OpClass::Layout
                    | OpClass::CacheUpdate
                    | OpClass::Sampling
            )
        };
        users
            .into_iter()
            .filter(|(n, classes)| {
                !classes.iter().all(auxiliary)
                    && !self.a.cache[n.index()]
                    && !caches.iter().any(|(c, _)| c == n)
            })
            .filter(|(n, _)| self.a.kind(*n) != Some(Kind::Constant { splat: true }))
            .filter_map(|(node, _)| {
                let value = self.root_value(node)?;
                let stored = storage.get(&node).copied().unwrap_or(Storage::Plain);
                (value.ty().shape().is_shaped && elements(value) > 1)
                    .then(|| Parameter::new(node, value, stored))
            })
            .collect()
    }

    /// A table that is looked up by position: added to the embedding it is a parameter, multiplied it is a rotation.
    fn position_table_class(&self, n: NodeIndex) -> OpClass {
        let mut todo = vec![n];
        for _ in 0..64 {
            let Some(m) = todo.pop() else { break };
            for (t, _) in self.a.outputs(m) {
                match (self.a.kind(t), self.a.facts[t.index()].as_ref()) {
                    (Some(Kind::Elementwise), Some(f)) if f.features.mul => return OpClass::Rope,
                    (Some(Kind::Elementwise), Some(f)) if f.features.add => {
                        return OpClass::Embedding;
                    }
                    (Some(Kind::View | Kind::Concat | Kind::Insert | Kind::Elementwise), _) => {
                        todo.push(t)
                    }
                    _ => {}
                }
            }
        }
        OpClass::Embedding
    }
}

/// The type that most parameters have.
fn main_type(parameters: &[Parameter]) -> (Element, DType) {
    let mut by: BTreeMap<(Element, DType), u64> = BTreeMap::new();
    for p in parameters {
        *by.entry((p.element, p.dtype)).or_default() += p.elements;
    }
    by.into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or((Element::Float(32), DType::F32), |(t, _)| t)
}

fn squeezed(v: Value) -> Vec<u64> {
    v.ty()
        .shape()
        .dims
        .into_iter()
        .flatten()
        .filter(|d| *d != 1)
        .collect()
}

fn is_parameter_type(e: &Edge) -> bool {
    e.element.is_float() || matches!(e.element, Element::Int(2..=16))
}
