//! Finds the forward calls of language models in the dataflow graph of one function.
//!
//! What makes a language model, whatever wrote it: token ids select rows of a table (the embedding); what is computed from
//! those rows meets parameters in matrix products; the last of these products (the head) has one column for each row of
//! the table, or feeds an arg max. Two calls are told apart because only integers, the tokens, flow from one to the next;
//! KV caches flow too, but a call's ops are those that its head needs and no earlier call produced.

use super::bounds::{Bounds, Unbounded};
use super::facts::{Facts, Kind, facts};
use super::graph::{Edge, Graph, NodeKind, ScopeId};
use super::model_ops;
use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use rustc_hash::FxHashMap as HashMap;
use spec_dialect::ffi::{Element, Op, Value};
use std::collections::BTreeSet;
use std::rc::Rc;

/// One forward call of a model.
#[derive(Clone, Debug)]
pub struct Instance {
    /// The block whose ops make up the call.
    pub scope: ScopeId,
    /// Member nodes in program order, nested ones included.
    pub nodes: Vec<NodeIndex>,
    /// The products that compute logits.
    pub heads: Vec<NodeIndex>,
    /// Gathers from the embedding table.
    pub embeddings: Vec<NodeIndex>,
    /// Vocabulary: columns of the head.
    pub vocabulary: u64,
    /// Rows of the embedding table, if there is one.
    pub table_rows: Option<u64>,
}

/// The analysed graph of one function.
pub struct Analysis {
    /// The graph.
    pub graph: Graph,
    /// Facts of every op node.
    pub facts: Vec<Option<Rc<Facts>>>,
    /// Node is computed from embedded tokens.
    pub active: Vec<bool>,
    /// Node is (or views) a KV cache that the function receives.
    pub cache: Vec<bool>,
    /// Forward calls, in program order.
    pub instances: Vec<Instance>,
    /// Products of activations and parameters that belong to no instance.
    pub stray_products: Vec<NodeIndex>,
    /// Sizes that nothing bounds, in ops that matter.
    pub unbounded: Vec<Unbounded>,
}

/// Could this value carry activations (as opposed to tokens, positions, masks)?
pub(super) fn carries_activation(e: &Edge) -> bool {
    e.element.is_float() || matches!(e.element, Element::Int(2..=16))
}

impl Analysis {
    /// Analyses one function's graph.
    pub fn new(graph: Graph, bounds: &mut Bounds) -> Self {
        let mut by_op: HashMap<Op, Rc<Facts>> = HashMap::default();
        let facts: Vec<Option<Rc<Facts>>> = graph
            .graph
            .node_indices()
            .map(|n| {
                graph.op(n).map(|o| {
                    by_op
                        .entry(o)
                        .or_insert_with(|| Rc::new(facts(o, bounds)))
                        .clone()
                })
            })
            .collect();
        let n = facts.len();
        let mut a = Analysis {
            graph,
            facts,
            active: vec![false; n],
            cache: vec![false; n],
            instances: vec![],
            stray_products: vec![],
            unbounded: vec![],
        };
        a.spread_activation();
        a.mark_caches();
        a.find_instances();
        a.collect_unbounded(bounds);
        a
    }

    /// Kind of an op node.
    pub fn kind(&self, n: NodeIndex) -> Option<Kind> {
        self.facts[n.index()].as_ref().map(|f| f.kind)
    }

    /// Incoming edges that are not loop back edges, as (source, edge), in operand order.
    pub fn inputs(&self, n: NodeIndex) -> impl Iterator<Item = (NodeIndex, Edge)> + '_ {
        self.neighbours(n, Incoming)
    }

    /// Outgoing edges that are not loop back edges, as (target, edge), in program order.
    pub fn outputs(&self, n: NodeIndex) -> impl Iterator<Item = (NodeIndex, Edge)> + '_ {
        self.neighbours(n, Outgoing)
    }

    /// petgraph lists the newest edge first.
    fn neighbours(
        &self,
        n: NodeIndex,
        direction: Direction,
    ) -> impl Iterator<Item = (NodeIndex, Edge)> + '_ {
        let other = move |e: petgraph::graph::EdgeReference<'_, Edge>| {
            if direction == Incoming {
                e.source()
            } else {
                e.target()
            }
        };
        let found: Vec<(NodeIndex, Edge)> = self
            .graph
            .graph
            .edges_directed(n, direction)
            .filter(|e| !e.weight().back)
            .map(|e| (other(e), *e.weight()))
            .collect();
        found.into_iter().rev()
    }

    /// The node that feeds `value` into `n`.
    pub fn source(&self, n: NodeIndex, value: Value) -> Option<NodeIndex> {
        self.graph
            .graph
            .edges_directed(n, Incoming)
            .find(|e| e.weight().value == value)
            .map(|e| e.source())
    }

    /// The node is a model op.
    pub fn is_model_op(&self, n: NodeIndex) -> bool {
        self.graph.op(n).is_some_and(model_ops::is_model_op)
    }

    /// Sources of the two factors of a product.
    pub fn factors(&self, n: NodeIndex) -> Option<[(NodeIndex, Value); 2]> {
        let Some(Kind::Contraction(c)) = self.kind(n) else {
            return None;
        };
        let op = self.graph.op(n)?;
        let get = |i: usize| {
            let v = op.operand(c.factors[i])?;
            Some((self.source(n, v)?, v))
        };
        Some([get(0)?, get(1)?])
    }

    /// Which factor of a product with parameters is the parameter (0 or 1); `None` for other ops.
    pub fn weight_factor(&self, n: NodeIndex) -> Option<usize> {
        let f = self.factors(n)?;
        let [a, b] = f.map(|(s, _)| self.active[s.index()]);
        let w = match (a, b) {
            (true, false) => 1,
            (false, true) => 0,
            _ => return None,
        };
        (!self.cache[f[w].0.index()]).then_some(w)
    }

    fn spread_activation(&mut self) {
        for n in self.graph.graph.node_indices() {
            let mut gather = false;
            if let Some(Kind::Gather { table, .. }) = self.kind(n) {
                // reading an activation at a computed place is data movement, not an embedding
                let from_activation = self
                    .source(n, table)
                    .is_some_and(|s| self.active[s.index()]);
                gather = !from_activation;
                if let (true, Some(f)) = (from_activation, self.facts[n.index()].as_mut()) {
                    Rc::make_mut(f).kind = if self
                        .graph
                        .op(n)
                        .is_some_and(|o| o.name() == "tensor.extract_slice")
                    {
                        Kind::View
                    } else {
                        Kind::Elementwise
                    };
                }
            }
            let fed = self
                .inputs(n)
                .any(|(s, e)| self.active[s.index()] && carries_activation(&e));
            let condition_only = matches!(self.graph.graph[n].kind, NodeKind::Region(_));
            self.active[n.index()] = gather || (fed && !condition_only);
        }
    }

    /// Marks what is updated with activations (concatenated, inserted into, selected against), back to its origin.
    fn mark_caches(&mut self) {
        let mut todo: Vec<NodeIndex> = vec![];
        for n in self.graph.graph.node_indices() {
            let Some(f) = &self.facts[n.index()] else {
                continue;
            };
            let merges = match f.kind {
                Kind::Concat | Kind::Insert => true,
                Kind::Elementwise => f.features.select && !f.features.mul,
                Kind::Contraction(c) => c.batch > 1,
                Kind::Attention(_) => true,
                _ => false,
            };
            let caches = self.graph.op(n).map(model_ops::caches).unwrap_or_default();
            let joins = |v: Value| caches.is_empty() || caches.iter().any(|(c, _)| *c == v);
            if merges && self.inputs(n).any(|(s, _)| self.active[s.index()]) {
                todo.extend(
                    self.inputs(n)
                        .filter(|(s, e)| {
                            !self.active[s.index()]
                                && carries_activation(e)
                                && joins(e.value)
                                && squeezed_rank(e.value) >= 2
                        })
                        .map(|(s, _)| s),
                );
            }
        }
        while let Some(n) = todo.pop() {
            let through = match self.graph.graph[n].kind {
                NodeKind::Op(_) => {
                    matches!(self.kind(n), Some(Kind::View | Kind::Insert | Kind::Concat))
                }
                NodeKind::Arg(_)
                | NodeKind::Inner(_)
                | NodeKind::Result(..)
                | NodeKind::Call(_) => true,
                _ => false,
            };
            if !through || self.cache[n.index()] || self.active[n.index()] {
                continue;
            }
            self.cache[n.index()] = true;
            let before: Vec<_> = self
                .inputs(n)
                .filter(|(_, e)| carries_activation(e))
                .map(|(s, _)| s)
                .collect();
            todo.extend(before);
        }
        // views of a cache are cache as well
        for n in self.graph.graph.node_indices() {
            if matches!(self.kind(n), Some(Kind::View))
                && !self.active[n.index()]
                && self
                    .inputs(n)
                    .any(|(s, e)| self.cache[s.index()] && carries_activation(&e))
            {
                self.cache[n.index()] = true;
            }
        }
    }

    fn find_instances(&mut self) {
        let candidates = self.last_products();
        let mut owner: Vec<Option<usize>> = vec![None; self.facts.len()];
        let mut tainted: Vec<bool> = vec![false; self.facts.len()];
        let mut instances: Vec<Instance> = vec![];
        for head in candidates {
            if owner[head.index()].is_some() {
                continue;
            }
            let Some(mut found) = self.describe(head) else {
                self.stray_products.push(head);
                continue;
            };
            let i = instances.len();
            self.slice(&mut found, i, &mut owner, &tainted);
            self.extend(&mut found, i, &mut owner, &tainted);
            found.nodes.sort();
            found.nodes.dedup();
            found.embeddings.retain(|n| owner[n.index()] == Some(i)); // not those of earlier calls, behind the caches
            // what depends on this call may not be moved into it again
            for &n in &found.nodes {
                tainted[n.index()] |= owner[n.index()] == Some(i) && self.active[n.index()];
            }
            for n in self.graph.graph.node_indices() {
                if !tainted[n.index()] {
                    tainted[n.index()] = self.inputs(n).any(|(s, _)| tainted[s.index()]);
                }
            }
            instances.push(found);
        }
        self.instances = instances;
    }

    /// Products with parameters that no later product uses.
    fn last_products(&self) -> Vec<NodeIndex> {
        let mut later = vec![false; self.facts.len()];
        for n in self.graph.graph.node_indices().rev() {
            later[n.index()] = self.outputs(n).any(|(t, e)| {
                carries_activation(&e)
                    && self.active[t.index()]
                    && (later[t.index()]
                        || matches!(
                            self.kind(t),
                            Some(Kind::Contraction(_) | Kind::Attention(_))
                        ))
            });
        }
        let ends = |n: &NodeIndex| self.weight_factor(*n).is_some() && !later[n.index()];
        self.graph.graph.node_indices().filter(ends).collect()
    }

    /// Checks that a last product is a head, and finds the block that holds the call.
    fn describe(&self, head: NodeIndex) -> Option<Instance> {
        let Some(Kind::Contraction(c)) = self.kind(head) else {
            return None;
        };
        let w = self.weight_factor(head)?;
        let vocabulary = c.free[w];
        let mut scope = self.graph.graph[head].scope;
        let (embeddings, rows) = loop {
            let gathers = self.gathers_before(head, scope);
            if !gathers.is_empty() {
                let matching: Vec<_> = gathers
                    .iter()
                    .filter(|(_, r)| *r == vocabulary)
                    .map(|(n, _)| *n)
                    .collect();
                if !matching.is_empty() {
                    break (matching, Some(vocabulary));
                }
                // a padded or cut vocabulary: the first gather is the embedding, if an arg max shows that these are logits
                let (first, rows) = gathers[0];
                if self.feeds_arg_max(head) || (vocabulary > c.inner && !self.is_added_to(head)) {
                    break (vec![first], Some(rows));
                }
                return None;
            }
            scope = self.graph.scopes[scope].parent?;
        };
        Some(Instance {
            scope,
            nodes: vec![],
            heads: vec![head],
            embeddings,
            vocabulary,
            table_rows: rows,
        })
    }

    /// Gathers that the head depends on within a scope, in program order, with the rows of their tables.
    fn gathers_before(&self, head: NodeIndex, scope: ScopeId) -> Vec<(NodeIndex, u64)> {
        let mut seen = BTreeSet::new();
        let mut todo = vec![head];
        let mut found = BTreeSet::new();
        while let Some(n) = todo.pop() {
            let node = &self.graph.graph[n];
            let outside = !self.graph.is_within(node.scope, scope)
                || (node.scope == scope && matches!(node.kind, NodeKind::Inner(_)));
            if outside || !self.active[n.index()] || !seen.insert(n) {
                continue;
            }
            if let Some(Kind::Gather { rows, .. }) = self.kind(n) {
                found.insert((n, rows));
            }
            todo.extend(
                self.inputs(n)
                    .filter(|(_, e)| carries_activation(e))
                    .map(|(s, _)| s),
            );
        }
        found.into_iter().collect()
    }

    fn feeds_arg_max(&self, head: NodeIndex) -> bool {
        let mut todo = vec![head];
        let mut seen = BTreeSet::new();
        while let Some(n) = todo.pop() {
            if !seen.insert(n) || seen.len() > 1000 {
                continue;
            }
            let f = self.facts[n.index()].as_ref();
            let to_index = self
                .graph
                .op(n)
                .is_some_and(|o| o.results().any(|r| r.ty().shape().element.is_int()));
            if n != head && to_index && f.is_some_and(|f| f.kind == Kind::Reduction) {
                return true;
            }
            todo.extend(
                self.outputs(n)
                    .filter(|(_, e)| carries_activation(e))
                    .map(|(t, _)| t),
            );
        }
        false
    }

    /// A residual: the product is added to another activation of the same size.
    fn is_added_to(&self, head: NodeIndex) -> bool {
        let mut n = head;
        for _ in 0..8 {
            let Some((next, e)) = self.outputs(n).find(|(t, _)| self.active[t.index()]) else {
                return false;
            };
            let others = self
                .inputs(next)
                .filter(|(s, o)| *s != n && self.active[s.index()] && o.elements == e.elements)
                .count();
            if others > 0 {
                return true;
            }
            n = next;
        }
        false
    }

    /// All that the head needs and no earlier call produced.
    fn slice(
        &self,
        found: &mut Instance,
        me: usize,
        owner: &mut [Option<usize>],
        tainted: &[bool],
    ) {
        let scope = found.scope;
        let mut seen = vec![false; self.facts.len()];
        let mut todo = found.heads.clone();
        while let Some(n) = todo.pop() {
            let node = &self.graph.graph[n];
            let boundary = !self.graph.is_within(node.scope, scope)
                || (node.scope == scope
                    && matches!(
                        node.kind,
                        NodeKind::Inner(_) | NodeKind::Arg(_) | NodeKind::Call(_)
                    ));
            if boundary || seen[n.index()] {
                continue;
            }
            seen[n.index()] = true;
            let other = owner[n.index()].is_some_and(|o| o != me);
            if other && (self.active[n.index()] || tainted[n.index()]) {
                continue; // made by another call
            }
            if tainted[n.index()] && self.is_integer(n) && !self.active[n.index()] {
                continue; // tokens that an earlier call chose, put together by the host
            }
            if !other {
                owner[n.index()] = Some(me);
            }
            found.nodes.push(n);
            // loops as a whole, cache rows included: the body's nodes are reached through results and back edges
            if let NodeKind::Result(op, i) = node.kind {
                let first = n.index() - i; // one op's results are neighbours
                todo.extend((0..op.results().len()).map(|j| NodeIndex::new(first + j)));
            }
            todo.extend(
                self.graph
                    .graph
                    .edges_directed(n, Incoming)
                    .map(|e| e.source()),
            );
        }
    }

    fn is_integer(&self, n: NodeIndex) -> bool {
        match self.graph.graph[n].kind {
            NodeKind::Op(o) => o.results().all(|r| r.ty().shape().element.is_int()),
            NodeKind::Result(o, i) => o
                .results()
                .nth(i)
                .is_some_and(|r| r.ty().shape().element.is_int()),
            _ => false,
        }
    }

    /// What follows from the call alone: the arg max or sampling over its logits, and its cache updates.
    fn extend(
        &self,
        found: &mut Instance,
        me: usize,
        owner: &mut [Option<usize>],
        tainted: &[bool],
    ) {
        let scope = found.scope;
        let mut member = vec![false; self.facts.len()];
        let mut from_head = vec![false; self.facts.len()];
        found.nodes.iter().for_each(|n| member[n.index()] = true);
        found.heads.iter().for_each(|n| from_head[n.index()] = true);
        for n in self.graph.graph.node_indices() {
            let node = &self.graph.graph[n];
            if member[n.index()] {
                from_head[n.index()] |= self
                    .inputs(n)
                    .any(|(s, e)| from_head[s.index()] && carries_activation(&e));
                continue;
            }
            if owner[n.index()].is_some()
                || !matches!(node.kind, NodeKind::Op(_))
                || node.scope != scope && !self.graph.is_within(node.scope, scope)
            {
                continue;
            }
            let mut logits = false;
            let mut update = false;
            let mut closed = true;
            for (s, e) in self.inputs(n) {
                if member[s.index()] && self.active[s.index()] && carries_activation(&e) {
                    logits |= from_head[s.index()];
                    update |= !from_head[s.index()];
                } else if !member[s.index()]
                    && owner[s.index()].is_none()
                    && (self.active[s.index()] || tainted[s.index()])
                {
                    closed = false; // needs something else that is computed from tokens, not by an earlier call
                }
            }
            let op = self.graph.op(n);
            let slices = op.is_some_and(|o| o.name().contains("extract"));
            let moves_data = match self.kind(n) {
                Some(Kind::Insert | Kind::Concat | Kind::View) => !slices,
                Some(Kind::Elementwise) => self.facts[n.index()]
                    .as_ref()
                    .is_some_and(|f| f.features.select),
                _ => false,
            };
            if closed && (logits || (update && moves_data)) {
                member[n.index()] = true;
                from_head[n.index()] = logits;
                owner[n.index()] = Some(me);
                found.nodes.push(n);
                // and the uninitialised tensors and constants that it needs
                let mut todo: Vec<_> = self.inputs(n).map(|(s, _)| s).collect();
                while let Some(s) = todo.pop() {
                    let static_op = matches!(
                        self.kind(s),
                        Some(
                            Kind::Fill
                                | Kind::Constant { .. }
                                | Kind::View
                                | Kind::Other
                                | Kind::Elementwise
                        )
                    );
                    if !member[s.index()]
                        && static_op
                        && !self.active[s.index()]
                        && !tainted[s.index()]
                        && self.graph.is_within(self.graph.graph[s].scope, scope)
                    {
                        member[s.index()] = true;
                        owner[s.index()].get_or_insert(me);
                        found.nodes.push(s);
                        todo.extend(self.inputs(s).map(|(p, _)| p));
                    }
                }
            }
        }
    }

    fn collect_unbounded(&mut self, bounds: &mut Bounds) {
        for n in self.graph.graph.node_indices() {
            let Some(op) = self.graph.op(n) else { continue };
            if !op.name().starts_with("linalg.") && !op.name().starts_with("tensor.") {
                continue;
            }
            for v in op.operands().chain(op.results()) {
                if let Err(u) = bounds.dims(v) {
                    self.unbounded.push(u);
                    return;
                }
            }
        }
    }
}

fn squeezed_rank(v: Value) -> usize {
    v.ty()
        .shape()
        .dims
        .iter()
        .filter(|d| **d != Some(1))
        .count()
}
