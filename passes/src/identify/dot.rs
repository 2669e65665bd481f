//! The dataflow graph in graphviz's language: one cluster a function, one within it a forward call. Constants, fills and
//! views are left out (edges go through them), so that the picture shows what computes.

use super::facts::Kind;
use super::graph::NodeKind;
use super::program::{Function, Program};
use petgraph::graph::NodeIndex;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Renders the graph of all analysed functions that hold models or call them.
pub fn dot(p: &Program) -> String {
    let mut out = String::from(
        "digraph spec {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=8];\n",
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

fn function(out: &mut String, p: &Program, index: usize, f: &Function) {
    let name = escape(f.op.symbol().unwrap_or("?"));
    let _ = writeln!(out, "  subgraph cluster_{index} {{\n    label=\"@{name}\";");
    let g = &f.analysis.graph.graph;
    let kept: HashSet<NodeIndex> = g.node_indices().filter(|n| keep(f, *n)).collect();
    let mut inside: HashMap<NodeIndex, usize> = HashMap::new();
    for (i, instance) in f.analysis.instances.iter().enumerate() {
        let what = p.models.iter().find(|m| {
            m.calls
                .iter()
                .any(|c| c.function == index && c.instance == i)
        });
        let role = what
            .and_then(|m| m.role)
            .map_or("model".to_owned(), |r| r.to_string());
        let s = &f.measured[i].shape;
        let _ = writeln!(
            out,
            "    subgraph cluster_{index}_{i} {{\n      label=\"{role}: {} parameters, {} layers, {} tokens a call\"; style=filled; color=\"{}\";",
            s.parameters,
            s.layers,
            f.measured[i].tokens,
            if role == "drafter" {
                "#e6f2ff"
            } else {
                "#fff2e0"
            }
        );
        for n in instance.nodes.iter().filter(|n| kept.contains(n)) {
            inside.insert(*n, i);
            let _ = writeln!(
                out,
                "      n{index}_{} [label=\"{}\"];",
                n.index(),
                escape(&label(f, *n))
            );
        }
        out.push_str("    }\n");
    }
    for n in g
        .node_indices()
        .filter(|n| kept.contains(n) && !inside.contains_key(n))
    {
        let _ = writeln!(
            out,
            "    n{index}_{} [label=\"{}\", style=rounded];",
            n.index(),
            escape(&label(f, n))
        );
    }
    for n in g.node_indices().filter(|n| kept.contains(n)) {
        for (source, bytes) in sources(f, n, &kept) {
            let _ = writeln!(
                out,
                "    n{index}_{} -> n{index}_{} [label=\"{}\"];",
                source.index(),
                n.index(),
                crate::report::bytes(bytes)
            );
        }
    }
    out.push_str("  }\n");
}

fn keep(f: &Function, n: NodeIndex) -> bool {
    let a = &f.analysis;
    match a.graph.graph[n].kind {
        NodeKind::Op(_) => {
            a.active[n.index()]
                && !matches!(
                    a.kind(n),
                    Some(Kind::View | Kind::Fill | Kind::Constant { .. })
                )
        }
        NodeKind::Arg(v) => v.ty().shape().element.is_int() || a.cache[n.index()],
        NodeKind::Call(_) | NodeKind::Return(_) | NodeKind::Region(_) => true,
        NodeKind::Inner(_) | NodeKind::Result(..) => false,
    }
}

fn label(f: &Function, n: NodeIndex) -> String {
    let a = &f.analysis;
    match a.graph.graph[n].kind {
        NodeKind::Op(o) => {
            let class = f.measured.iter().find_map(|m| m.classes.get(&n));
            match (a.kind(n), class) {
                (Some(Kind::Contraction(c)), Some(class)) => {
                    format!("{class}\n{}x{}x{}", c.free[0] * c.batch, c.free[1], c.inner)
                }
                (_, Some(class)) => format!("{class}\n{}", o.name()),
                _ => o.name().to_owned(),
            }
        }
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

/// Kept nodes that a node depends on, looking through the ones left out.
fn sources(f: &Function, n: NodeIndex, kept: &HashSet<NodeIndex>) -> Vec<(NodeIndex, u64)> {
    let mut found: HashMap<NodeIndex, u64> = HashMap::new();
    let mut seen = HashSet::new();
    let mut todo: Vec<(NodeIndex, u64)> = f.analysis.inputs(n).map(|(s, e)| (s, e.bytes)).collect();
    while let Some((s, bytes)) = todo.pop() {
        if kept.contains(&s) {
            let b = found.entry(s).or_default();
            *b = (*b).max(bytes);
        } else if seen.insert(s) && seen.len() < 256 {
            todo.extend(f.analysis.inputs(s).map(|(p, e)| (p, e.bytes)));
        }
    }
    let mut out: Vec<_> = found.into_iter().collect();
    out.sort();
    out
}
