//! The dataflow graph in graphviz's language: one cluster a function, one within it a forward call. Constants, fills, views and
//! position arithmetic are left out (edges go through them), and neighbours of one class (the ops of a normalisation, of a
//! softmax) are one node, so that the picture shows what computes and graphviz finishes.

use super::facts::Kind;
use super::graph::NodeKind;
use super::program::{Function, Program};
use petgraph::graph::NodeIndex;
use petgraph::unionfind::UnionFind;
use rustc_hash::FxHashMap as HashMap;
use spec_cost::OpClass;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Renders the graph of all analysed functions that hold models or call them.
pub fn dot(p: &Program) -> String {
    let drawn: usize = p
        .functions
        .iter()
        .map(|f| f.analysis.graph.graph.node_count())
        .sum();
    // graphviz takes minutes to polish the layout of a deep model; straight edges and less polish are readable too
    let splines = if drawn > 2000 { "splines=line; " } else { "" };
    let mut out = format!(
        "digraph spec {{\n  {splines}nslimit=1; nslimit1=1; mclimit=0.1;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=8];\n"
    );
    for (i, f) in p.functions.iter().enumerate() {
        if !f.analysis.instances.is_empty() || p.sites.iter().any(|s| s.caller == i) {
            function(&mut out, p, i, f);
        }
    }
    out.push_str("}\n");
    out
}

/// Text inside a quoted graphviz string.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// A node of the picture: a group of ops, by its first op.
type Group = NodeIndex;

fn function(out: &mut String, p: &Program, index: usize, f: &Function) {
    let name = escape(f.op.symbol().unwrap_or("?"));
    let _ = writeln!(out, "  subgraph cluster_{index} {{\n    label=\"@{name}\";");
    let groups = groups(f);
    let mut members: BTreeMap<Group, Vec<NodeIndex>> = BTreeMap::new();
    for (n, g) in &groups {
        members.entry(*g).or_default().push(*n);
    }
    let mut inside: HashMap<Group, usize> = HashMap::default();
    for (i, instance) in f.analysis.instances.iter().enumerate() {
        let is_this = |c: &super::program::CallRef| c.function == index && c.instance == i;
        let model = p.models.iter().find(|m| m.calls.iter().any(is_this));
        let role = model
            .and_then(|m| m.role)
            .map_or("model".to_owned(), |r| r.to_string());
        let color = if role == "drafter" {
            "#e6f2ff"
        } else {
            "#fff2e0"
        };
        let (s, tokens) = (&f.measured[i].shape, f.measured[i].tokens);
        let _ = writeln!(
            out,
            "    subgraph cluster_{index}_{i} {{\n      label=\"{role}: {} parameters, {} layers, {tokens} tokens a call\"; style=filled; color=\"{color}\";",
            s.parameters, s.layers
        );
        for n in instance.nodes.iter().filter(|n| members.contains_key(n)) {
            inside.insert(*n, i);
            let _ = writeln!(
                out,
                "      n{index}_{} [label=\"{}\"];",
                n.index(),
                escape(&label(f, &members[n]))
            );
        }
        out.push_str("    }\n");
    }
    for (g, ops) in members.iter().filter(|(g, _)| !inside.contains_key(g)) {
        let _ = writeln!(
            out,
            "    n{index}_{} [label=\"{}\", style=rounded];",
            g.index(),
            escape(&label(f, ops))
        );
    }
    for (to, ops) in &members {
        let mut from: BTreeMap<Group, u64> = BTreeMap::new();
        for (source, bytes) in ops.iter().flat_map(|n| sources(f, *n)) {
            if let Some(g) = groups.get(&source).filter(|g| *g != to) {
                let b = from.entry(*g).or_default();
                *b = (*b).max(bytes);
            }
        }
        for (g, bytes) in from {
            let _ = writeln!(
                out,
                "    n{index}_{} -> n{index}_{} [label=\"{}\"];",
                g.index(),
                to.index(),
                crate::report::bytes(bytes)
            );
        }
    }
    out.push_str("  }\n");
}

fn class(f: &Function, n: NodeIndex) -> Option<OpClass> {
    f.measured.iter().find_map(|m| m.classes.get(&n)).copied()
}

fn keep(f: &Function, n: NodeIndex) -> bool {
    let a = &f.analysis;
    match a.graph.graph[n].kind {
        NodeKind::Op(_) => {
            let plain = matches!(
                a.kind(n),
                Some(Kind::View | Kind::Fill | Kind::Constant { .. })
            );
            a.active[n.index()] && !plain && class(f, n) != Some(OpClass::Layout)
        }
        NodeKind::Arg(v) => v.ty().shape().element.is_int() || a.cache[n.index()],
        NodeKind::Call(_) | NodeKind::Return(_) | NodeKind::Region(_) => true,
        NodeKind::Inner(_) | NodeKind::Result(..) => false,
    }
}

/// The group of each node that is drawn: neighbours of one class, except products and residual additions.
fn groups(f: &Function) -> HashMap<NodeIndex, Group> {
    let g = &f.analysis.graph.graph;
    let kept: Vec<NodeIndex> = g.node_indices().filter(|n| keep(f, *n)).collect();
    let merges = |c: OpClass| {
        matches!(
            c,
            OpClass::Norm
                | OpClass::Softmax
                | OpClass::Rope
                | OpClass::Activation
                | OpClass::Sampling
        )
    };
    let mut sets: UnionFind<usize> = UnionFind::new(g.node_count());
    for &n in &kept {
        let Some(c) = class(f, n).filter(|c| merges(*c)) else {
            continue;
        };
        for (s, _) in sources(f, n) {
            if class(f, s) == Some(c) {
                sets.union(s.index(), n.index());
            }
        }
    }
    let mut first: HashMap<usize, NodeIndex> = HashMap::default();
    kept.into_iter()
        .map(|n| (n, *first.entry(sets.find(n.index())).or_insert(n)))
        .collect()
}

fn label(f: &Function, ops: &[NodeIndex]) -> String {
    let a = &f.analysis;
    let n = ops[0];
    match a.graph.graph[n].kind {
        NodeKind::Op(o) => match (a.kind(n), class(f, n)) {
            (Some(Kind::Contraction(c)), Some(class)) => {
                format!("{class}\n{}x{}x{}", c.free[0] * c.batch, c.free[1], c.inner)
            }
            (_, Some(class)) if ops.len() > 1 => format!("{class}\n{} ops", ops.len()),
            (_, Some(class)) => format!("{class}\n{}", o.name()),
            _ => o.name().to_owned(),
        },
        NodeKind::Arg(v) => format!("argument {}\n{}", v.index(), v.ty()),
        NodeKind::Call(o) => format!(
            "call @{}",
            o.attr("callee")
                .and_then(|c| c.as_flat_symbol())
                .unwrap_or("?")
        ),
        NodeKind::Return(_) => "return".into(),
        NodeKind::Region(o) => o.name().to_owned(),
        NodeKind::Inner(_) | NodeKind::Result(..) => String::new(),
    }
}

/// Drawn nodes that a node depends on, looking through the ones left out; of integers only tokens into an embedding.
fn sources(f: &Function, n: NodeIndex) -> Vec<(NodeIndex, u64)> {
    let a = &f.analysis;
    let embedding = matches!(a.kind(n), Some(Kind::Gather { .. })) || a.graph.op(n).is_none();
    let follow = |n: NodeIndex, ints: bool| {
        a.inputs(n)
            .filter(move |(s, e)| {
                ints || a.active[s.index()] || a.cache[s.index()] && e.element.is_float()
            })
            .map(|(s, e)| (s, e.bytes))
    };
    let mut found: BTreeMap<NodeIndex, u64> = BTreeMap::new();
    let mut seen = vec![];
    let mut todo: Vec<(NodeIndex, u64)> = follow(n, embedding).collect();
    while let Some((s, bytes)) = todo.pop() {
        if keep(f, s) {
            let b = found.entry(s).or_default();
            *b = (*b).max(bytes);
        } else if !seen.contains(&s) && seen.len() < 64 {
            seen.push(s);
            todo.extend(follow(s, embedding));
        }
    }
    found.into_iter().collect()
}
