//! The part that each argument and result of a model function plays.

use super::bounds::volume;
use super::facts::Kind;
use super::find::{Analysis, Instance};
use super::graph::NodeKind;
use super::pairing::pair;
use super::shape::Measured;
use petgraph::graph::NodeIndex;
use rustc_hash::FxHashSet as HashSet;
use spec_dialect::ffi::Value;

/// Argument and result numbers by part, each increasing; but cache results in the order of the caches they belong to.
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
        } else if parameters.contains(&n) || is_table(a, n) {
            out.parameters.push(index);
        } else if v.ty().shape().element.is_int() && elements(v) <= m.tokens.max(1) {
            out.positions.push(index);
        }
    }
    results(a, i, m, &mut out);
    out
}

/// An array that is only ever read at computed places, such as the cosines and sines of rotary positions: a constant of the
/// model like its parameters, though no product takes it. A mask, which changes from call to call, is read as a whole.
fn is_table(a: &Analysis, arg: NodeIndex) -> bool {
    let mut found = false;
    let mut todo = vec![arg];
    while let Some(n) = todo.pop() {
        for (t, e) in a.outputs(n).filter(|(_, e)| e.element.is_float()) {
            match (a.kind(t), a.graph.graph[t].kind) {
                (Some(Kind::Gather { table, .. }), _) if table == e.value => found = true,
                (Some(Kind::View), _) | (_, NodeKind::Inner(_)) => todo.push(t),
                _ => return false,
            }
        }
    }
    found
}

fn elements(v: Value) -> u64 {
    volume(v.ty().shape().dims.iter().map(|d| d.unwrap_or(1)))
}

/// Function arguments that the embedding is indexed with.
fn integer_sources(a: &Analysis, i: &Instance) -> HashSet<NodeIndex> {
    let mut found = HashSet::default();
    let mut todo: Vec<NodeIndex> = vec![];
    for &g in &i.embeddings {
        let table = match a.kind(g) {
            Some(Kind::Gather { table, .. }) => Some(table), // may be of integers too
            _ => None,
        };
        todo.extend(
            a.inputs(g)
                .filter(|(_, e)| e.element.is_int() && Some(e.value) != table)
                .map(|(s, _)| s),
        );
    }
    let mut seen = HashSet::default();
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
    let mut states: Vec<(i64, Value, NodeIndex)> = vec![];
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
        if a.active[source.index()] && shape.element.is_float() {
            states.push((r as i64, v, source));
        }
    }
    cache_results(a, &states, out);
}

/// Sorts results that may be caches or their new rows to the caches they belong to.
fn cache_results(a: &Analysis, states: &[(i64, Value, NodeIndex)], out: &mut Interface) {
    let args: Vec<(Value, NodeIndex)> = (a.graph.graph.node_indices())
        .filter_map(|n| match a.graph.graph[n].kind {
            NodeKind::Arg(v) if out.caches.contains(&(v.index() as i64)) => Some((v, n)),
            _ => None,
        })
        .collect();
    let nodes: Vec<NodeIndex> = args.iter().map(|c| c.1).collect();
    let sources: Vec<NodeIndex> = states.iter().map(|s| s.2).collect();
    let whole = |r: usize, c: usize| states[r].1.ty() == args[c].0.ty();
    let places = pair(a, &nodes, &sources, |r, c| {
        whole(r, c) || is_rows_of(states[r].1, args[c].0)
    });
    for c in 0..args.len() {
        if let Some(r) = places.iter().position(|p| *p == Some(c)) {
            let list = if whole(r, c) {
                &mut out.whole_caches
            } else {
                &mut out.rows
            };
            list.push(states[r].0);
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
