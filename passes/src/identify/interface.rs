//! The part that each argument and result of a model function plays.

use super::facts::Kind;
use super::find::{Analysis, Instance};
use super::graph::NodeKind;
use super::shape::Measured;
use petgraph::graph::NodeIndex;
use spec_dialect::ffi::Value;
use std::collections::HashSet;

/// Argument and result numbers by part, each increasing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Token ids.
    pub tokens: Vec<i64>,
    /// Positions.
    pub positions: Vec<i64>,
    /// KV caches.
    pub caches: Vec<i64>,
    /// Parameters.
    pub parameters: Vec<i64>,
    /// Logits.
    pub logits: Vec<i64>,
    /// Tokens that the function itself chose.
    pub chosen: Vec<i64>,
    /// Whole caches.
    pub whole_caches: Vec<i64>,
    /// New cache rows.
    pub rows: Vec<i64>,
}

/// Finds the interface of a function that is one forward call.
pub fn interface(a: &Analysis, i: &Instance, m: &Measured) -> Interface {
    let mut out = Interface::default();
    let token_sources = integer_sources(a, i);
    let parameters: HashSet<NodeIndex> = m.parameters.iter().map(|p| p.node).collect();
    let caches: HashSet<NodeIndex> = m.caches.iter().map(|c| c.0).collect();
    for n in a.graph.graph.node_indices() {
        let NodeKind::Arg(v) = a.graph.graph[n].kind else {
            continue;
        };
        let index = v.index() as i64;
        if token_sources.contains(&n) {
            out.tokens.push(index);
        } else if caches.contains(&n) {
            out.caches.push(index);
        } else if parameters.contains(&n) {
            out.parameters.push(index);
        } else if v.ty().shape().element.is_int() && elements(v) <= m.tokens.max(1) {
            out.positions.push(index);
        }
    }
    results(a, i, m, &mut out);
    out
}

fn elements(v: Value) -> u64 {
    v.ty().shape().dims.iter().map(|d| d.unwrap_or(1)).product()
}

/// Function arguments that the embedding is indexed with.
fn integer_sources(a: &Analysis, i: &Instance) -> HashSet<NodeIndex> {
    let mut found = HashSet::new();
    let mut todo: Vec<NodeIndex> = vec![];
    for &g in &i.embeddings {
        todo.extend(
            a.inputs(g)
                .filter(|(_, e)| e.element.is_int())
                .map(|(s, _)| s),
        );
    }
    let mut seen = HashSet::new();
    while let Some(n) = todo.pop() {
        if !seen.insert(n) {
            continue;
        }
        if matches!(a.graph.graph[n].kind, NodeKind::Arg(_)) {
            found.insert(n);
        }
        todo.extend(
            a.inputs(n)
                .filter(|(_, e)| e.element.is_int())
                .map(|(s, _)| s),
        );
    }
    found
}

fn results(a: &Analysis, i: &Instance, m: &Measured, out: &mut Interface) {
    let Some((ret, op)) = a
        .graph
        .graph
        .node_indices()
        .find_map(|n| match a.graph.graph[n].kind {
            NodeKind::Return(op) if a.graph.graph[n].scope == 0 => Some((n, op)),
            _ => None,
        })
    else {
        return;
    };
    let after_head = after_head(a, i);
    let args: Vec<Value> = a.graph.func.body().map(|b| b.args()).unwrap_or_default();
    let mut free: Vec<i64> = out.caches.clone();
    for (r, v) in op.operands().enumerate() {
        let Some(source) = a.source(ret, v) else {
            continue;
        };
        let shape = v.ty().shape();
        if after_head.contains(&source) {
            if shape.element.is_int() {
                out.chosen.push(r as i64);
            } else if shape
                .dims
                .iter()
                .flatten()
                .any(|d| *d == m.shape.vocabulary)
            {
                out.logits.push(r as i64);
            }
            continue;
        }
        if !a.active[source.index()] || !shape.element.is_float() {
            continue;
        }
        // caches come back in the order they went in
        let place = free
            .iter()
            .position(|c| args[*c as usize].ty() == v.ty() || is_rows_of(v, args[*c as usize]));
        if let Some(p) = place {
            let cache = free.remove(p);
            let list = if args[cache as usize].ty() == v.ty() {
                &mut out.whole_caches
            } else {
                &mut out.rows
            };
            list.push(r as i64);
        }
    }
}

/// Same rank and element type, one dimension shorter.
fn is_rows_of(rows: Value, cache: Value) -> bool {
    let (r, c) = (rows.ty().shape(), cache.ty().shape());
    let differing = r.dims.iter().zip(&c.dims).filter(|(a, b)| a != b).count();
    let fits = r.dims.iter().zip(&c.dims).all(|(a, b)| a <= b);
    r.element == c.element && r.dims.len() == c.dims.len() && differing == 1 && fits
}

fn after_head(a: &Analysis, i: &Instance) -> HashSet<NodeIndex> {
    let mut after: HashSet<NodeIndex> = i.heads.iter().copied().collect();
    for n in a.graph.graph.node_indices() {
        let is_op = matches!(a.kind(n), Some(k) if !matches!(k, Kind::Gather { .. }));
        let region_result = matches!(a.graph.graph[n].kind, NodeKind::Result(..));
        if (is_op || region_result) && a.inputs(n).any(|(s, _)| after.contains(&s)) {
            after.insert(n);
        }
    }
    after
}
