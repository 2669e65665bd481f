//! Which cache argument a cache result belongs to. Exporters list keys and values in one order among the arguments and in
//! another among the results, and both have one type: only the dataflow tells them apart.
//!
//! A result is followed back, and a cache forward to where new rows join it, through ops that move data and compute
//! nothing. They belong together if they meet.

use super::facts::Kind;
use super::find::{Analysis, carries_activation};
use super::graph::NodeKind;
use super::model_ops;
use petgraph::graph::NodeIndex;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

/// For each result, the place in `caches` of the cache it belongs to; each cache is given once. `fits(result, cache)` says
/// whether the types allow it. Results that meet no cache take the free ones in order.
pub fn pair(
    a: &Analysis,
    caches: &[NodeIndex],
    results: &[NodeIndex],
    fits: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let mut families: HashMap<NodeIndex, Vec<usize>> = HashMap::default();
    for (c, n) in caches.iter().enumerate() {
        for member in family(a, *n) {
            families.entry(member).or_default().push(c);
        }
    }
    let mut free = vec![true; caches.len()];
    let mut found = vec![None; results.len()];
    for (r, n) in results.iter().enumerate() {
        let mut shared = vec![0; caches.len()];
        for member in moved_from(a, *n) {
            for c in families.get(&member).into_iter().flatten() {
                shared[*c] += 1;
            }
        }
        let best = (0..caches.len())
            .rev() // of equals, max_by_key takes the last
            .filter(|c| shared[*c] > 0 && free[*c] && fits(r, *c))
            .max_by_key(|c| shared[*c]);
        if let Some(c) = best {
            free[c] = false;
            found[r] = best;
        }
    }
    for (r, place) in found.iter_mut().enumerate().filter(|(_, f)| f.is_none()) {
        *place = (0..caches.len()).find(|c| free[*c] && fits(r, *c));
        if let Some(c) = *place {
            free[c] = false;
        }
    }
    found
}

/// The node hands on values of its operands as they are.
fn moves(a: &Analysis, n: NodeIndex) -> bool {
    match a.graph.graph[n].kind {
        NodeKind::Result(..) | NodeKind::Inner(_) => true,
        NodeKind::Op(_) => match a.kind(n) {
            Some(Kind::View | Kind::Insert | Kind::Concat) => true,
            Some(Kind::Elementwise) => a.facts[n.index()].as_ref().is_some_and(|f| {
                let f = f.features;
                // `select` at a computed place; conversions
                !f.mul
                    && (f.select || !(f.add || f.max))
                    && !(f.exp || f.root || f.trig || f.sigmoid)
            }),
            _ => false,
        },
        _ => false,
    }
}

/// A node, what it was moved from, and the ops that computed that.
fn moved_from(a: &Analysis, start: NodeIndex) -> HashSet<NodeIndex> {
    let mut seen = HashSet::default();
    let mut todo = vec![start];
    while let Some(n) = todo.pop() {
        let matters = a.active[n.index()] || a.cache[n.index()];
        if matters && seen.insert(n) && moves(a, n) {
            let before = a.inputs(n).filter(|(_, e)| carries_activation(e));
            todo.extend(before.map(|(s, _)| s));
        }
    }
    seen
}

/// A cache, what views it, and the rows that are joined to it.
fn family(a: &Analysis, cache: NodeIndex) -> HashSet<NodeIndex> {
    let mut seen = HashSet::default();
    let mut joined = vec![];
    let mut todo = vec![cache];
    while let Some(n) = todo.pop() {
        if !seen.insert(n) {
            continue;
        }
        for (t, e) in a.outputs(n) {
            let caches = a.graph.op(t).map(model_ops::caches).unwrap_or_default();
            let new_rows = caches.into_iter().find(|(c, _)| *c == e.value);
            joined.extend(new_rows.and_then(|(_, rows)| a.source(t, rows?)));
            if !carries_activation(&e) || !moves(a, t) {
                continue;
            }
            if a.active[t.index()] {
                joined.push(t);
            } else {
                todo.push(t);
            }
        }
    }
    for n in joined {
        if !seen.contains(&n) {
            seen.extend(moved_from(a, n));
        }
    }
    seen
}
