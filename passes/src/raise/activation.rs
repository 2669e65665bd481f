//! Activation functions, gated or not: `spec.activation`.
//!
//! There are many ways to write one. So the expression is not taken apart: it is evaluated at sample points of its argument
//! (and of the factor that gates it), and compared with the functions that there are.

use super::graph::{Bin, Graph, Id, Node, Un};
use super::linear::{axes, fused};
use super::root::Root;
use std::f64::consts::PI;

const SAMPLES: [f64; 9] = [-3.1, -1.7, -0.9, -0.2, 0.0, 0.3, 1.1, 1.9, 3.3];

/// Largest deviation from a function, relative to 1 + its value; constants may be rounded to f16.
const TOLERANCE: f64 = 1e-3;

type Function = (&'static str, fn(f64) -> f64);

const FUNCTIONS: [Function; 5] = [
    ("silu", |x| x / (1.0 + (-x).exp())),
    ("gelu_tanh", |x| {
        0.5 * x * (1.0 + ((2.0 / PI).sqrt() * (x + 0.044_715 * x * x * x)).tanh())
    }),
    ("gelu", |x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))),
    ("relu", |x| x.max(0.0)),
    ("relu2", |x| x.max(0.0).powi(2)),
];

/// The error function, by its power series (enough for |x| < 4).
fn erf(x: f64) -> f64 {
    let (mut sum, mut term) = (0.0, x);
    for n in 0..80 {
        sum += term / (2 * n + 1) as f64;
        term *= -x * x / (n + 1) as f64;
    }
    sum * 2.0 / PI.sqrt()
}

/// Raises the root, if it is an activation function of one tensor, times another perhaps.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let mut budget = 60;
    let argument = curved(g, root.id, &mut budget)?;
    let mut candidates = vec![];
    elements(g, argument, &mut candidates, 24);
    for x in candidates {
        if x == root.id {
            continue;
        }
        if let Some((function, up)) = which(g, root.id, x) {
            return write(g, root, function, x, up);
        }
    }
    None
}

/// The argument of the first curved function in an elementwise expression.
fn curved(g: &mut Graph, id: Id, budget: &mut u32) -> Option<Id> {
    *budget = budget.checked_sub(1)?;
    match g.op_node(id).1 {
        Node::Un(Un::Exp | Un::Tanh | Un::Erf, a) => Some(a),
        Node::Un(_, a) => curved(g, a, budget),
        Node::Bin(Bin::Max, a, b) if g.as_float(b) == Some(0.0) => Some(a),
        Node::Bin(Bin::Max, a, b) if g.as_float(a) == Some(0.0) => Some(b),
        Node::Bin(_, a, b) => curved(g, a, budget).or_else(|| curved(g, b, budget)),
        _ => None,
    }
}

/// Elements in an expression, outer ones first.
fn elements(g: &mut Graph, id: Id, out: &mut Vec<Id>, limit: usize) {
    let id = g.closed(id);
    if out.len() >= limit {
        return;
    }
    if matches!(g.node(id), Node::Elem(..)) {
        if out.contains(&id) {
            return;
        }
        out.push(id);
    }
    match g.op_node(id).1 {
        Node::Un(_, a) => elements(g, a, out, limit),
        Node::Bin(_, a, b) => {
            elements(g, a, out, limit);
            elements(g, b, out, limit);
        }
        _ => {}
    }
}

/// What an expression is with respect to the argument.
#[derive(PartialEq)]
enum Part {
    Argument,
    Constant,
    Other,
}

/// Sorts an expression; the largest parts without the argument that are no constants are collected.
fn part(g: &mut Graph, id: Id, x: Id, ups: &mut Vec<Id>, depth: u32) -> Option<Part> {
    let id = g.closed(id);
    if id == x {
        return Some(Part::Argument);
    }
    let depth = depth.checked_sub(1)?;
    let (top, node) = g.op_node(id);
    if top == x {
        return Some(Part::Argument);
    }
    let inner = match node {
        Node::Float(_) => return Some(Part::Constant),
        Node::Un(_, a) => vec![a],
        Node::Bin(_, a, b) => vec![a, b],
        _ => return Some(Part::Other),
    };
    let mut found = vec![];
    for a in &inner {
        found.push(part(g, *a, x, ups, depth)?);
    }
    if found.contains(&Part::Argument) {
        for (a, kind) in inner.iter().zip(&found) {
            let a = g.closed(*a);
            if *kind == Part::Other && !ups.contains(&a) {
                ups.push(a);
            }
        }
        return Some(Part::Argument);
    }
    Some(if found.contains(&Part::Other) {
        Part::Other
    } else {
        Part::Constant
    })
}

/// The function that the root is of `x`, and what it is multiplied with.
fn which(g: &mut Graph, root: Id, x: Id) -> Option<(&'static str, Option<Id>)> {
    let mut ups = vec![];
    if part(g, root, x, &mut ups, 24)? != Part::Argument {
        return None;
    }
    let up = match ups[..] {
        [] => None,
        [up] => Some(up),
        _ => return None,
    };
    let gates: &[f64] = if up.is_some() {
        &[1.0, -0.7, 2.5]
    } else {
        &[1.0]
    };
    let mut worst = [0.0f64; FUNCTIONS.len()];
    for sample in SAMPLES {
        for gate in gates {
            let got = eval(
                g,
                root,
                &[
                    (x, sample),
                    (up.unwrap_or(x), if up.is_some() { *gate } else { sample }),
                ],
                40,
            )?;
            for (w, (_, f)) in worst.iter_mut().zip(FUNCTIONS) {
                let expected = f(sample) * gate;
                *w = w.max((got - expected).abs() / (1.0 + expected.abs()));
            }
        }
    }
    let best = (0..FUNCTIONS.len()).min_by(|a, b| worst[*a].total_cmp(&worst[*b]))?;
    (worst[best] < TOLERANCE).then_some((FUNCTIONS[best].0, up))
}

fn eval(g: &mut Graph, id: Id, known: &[(Id, f64)], depth: u32) -> Option<f64> {
    let id = g.closed(id);
    let value = |id: Id| known.iter().find(|k| k.0 == id).map(|k| k.1);
    if let Some(v) = value(id) {
        return Some(v);
    }
    let depth = depth.checked_sub(1)?;
    let (top, node) = g.op_node(id);
    if let Some(v) = value(top) {
        return Some(v);
    }
    Some(match node {
        Node::Float(bits) => f64::from_bits(bits),
        Node::Un(f, a) => {
            let a = eval(g, a, known, depth)?;
            match f {
                Un::Neg => -a,
                Un::Exp => a.exp(),
                Un::Tanh => a.tanh(),
                Un::Rsqrt => a.sqrt().recip(),
                Un::Sqrt => a.sqrt(),
                Un::Erf => erf(a),
                Un::Cos => a.cos(),
                Un::Sin => a.sin(),
                Un::ToFloat => return None,
            }
        }
        Node::Bin(f, a, b) => {
            let (a, b) = (eval(g, a, known, depth)?, eval(g, b, known, depth)?);
            match f {
                Bin::Add => a + b,
                Bin::Sub => a - b,
                Bin::Mul => a * b,
                Bin::Div => a / b,
                Bin::Max => a.max(b),
                Bin::Min => a.min(b),
                Bin::Pow => a.powf(b),
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn write(g: &mut Graph, root: &Root, function: &str, x: Id, up: Option<Id>) -> Option<()> {
    let b = root.builder();
    let (last, rest) = root.dims.split_last()?;
    let pair = [fused(&axes(g, rest)), fused(&axes(g, &[*last]))];
    let mut operands = vec![b.tensor_of(g, x, &pair)?];
    if let Some(up) = up {
        operands.push(b.tensor_of(g, up, &pair)?);
    }
    let ty = b.tensor(&[pair[0].1, pair[1].1], &root.element())?;
    operands.push(b.empty(ty)?);
    let attrs = [("function", b.choice("function", function)?)];
    let result = b.op("spec.activation", &operands, &[ty], &attrs)?;
    b.replace(result, &root.axes(g), root.value, &root.axes(g))
}
