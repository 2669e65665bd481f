//! Values of scalar expressions, to prove what masks and row selects do: for every point of a finite index space, and for
//! every position, the place where a comparison can change its answer on either side.

use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::{Atom, Ix};
use rustc_hash::FxHashMap;

/// A value; truth values are 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Val {
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
}

/// Values of dimensions and of one symbol, the position.
#[derive(Default)]
pub struct Env {
    /// Values of dimensions.
    pub dims: FxHashMap<u32, i64>,
    /// The position: node and value.
    pub symbol: Option<(Id, i64)>,
}

/// Opens all elements below a node, once, so that it can be evaluated many times. Leaves that cannot be opened remain.
pub fn resolve(g: &mut Graph, id: Id) -> Id {
    let mut known = FxHashMap::default();
    resolve_known(g, id, &mut known, 200)
}

fn resolve_known(g: &mut Graph, id: Id, known: &mut FxHashMap<Id, Id>, depth: u32) -> Id {
    if let Some(done) = known.get(&id) {
        return *done;
    }
    if depth == 0 {
        return id;
    }
    let top = g.op(id);
    let mut next = |g: &mut Graph, id: Id| resolve_known(g, id, known, depth - 1);
    let out = match g.node(top).clone() {
        Node::Un(f, a) => {
            let a = next(g, a);
            g.add(Node::Un(f, a))
        }
        Node::Bin(f, a, b) => {
            let (a, b) = (next(g, a), next(g, b));
            g.binary(f, a, b)
        }
        Node::Cmp(f, p, a, b) => {
            let (a, b) = (next(g, a), next(g, b));
            g.compare(f, p, a, b)
        }
        Node::Select(c, a, b) => {
            let (c, a, b) = (next(g, c), next(g, a), next(g, b));
            g.select(c, a, b)
        }
        Node::Int(ix) => {
            let mut sum = Ix {
                base: ix.base,
                ..Ix::default()
            };
            for t in &ix.terms {
                let part = match t.atom {
                    Atom::Node(n) if t.div == 1 => {
                        let n = next(g, n);
                        g.as_ix(n).times(t.scale)
                    }
                    _ => Ix {
                        terms: vec![*t],
                        base: 0,
                    },
                };
                sum = sum.add(&part);
            }
            g.int(sum)
        }
        _ => top,
    };
    known.insert(id, out);
    out
}

/// Leaves of a resolved node that are neither constants nor dimensions.
pub fn leaves(g: &Graph, id: Id, out: &mut Vec<Id>) {
    match g.node(id) {
        Node::Un(_, a) | Node::Cast(_, a) => leaves(g, *a, out),
        Node::Bin(_, a, b) | Node::Cmp(_, _, a, b) => {
            leaves(g, *a, out);
            leaves(g, *b, out);
        }
        Node::Select(a, b, c) => [a, b, c].into_iter().for_each(|x| leaves(g, *x, out)),
        Node::Int(ix) => {
            for t in &ix.terms {
                if let Atom::Node(n) = t.atom {
                    leaves(g, n, out);
                }
            }
        }
        Node::Float(_) => {}
        _ => {
            if !out.contains(&id) {
                out.push(id);
            }
        }
    }
}

/// A resolved node with a scalar replaced.
pub fn rename(g: &mut Graph, id: Id, from: Id, to: &Ix) -> Id {
    if id == from {
        return g.int(to.clone());
    }
    match g.node(id).clone() {
        Node::Un(f, a) => {
            let a = rename(g, a, from, to);
            g.add(Node::Un(f, a))
        }
        Node::Bin(f, a, b) => {
            let (a, b) = (rename(g, a, from, to), rename(g, b, from, to));
            g.binary(f, a, b)
        }
        Node::Cmp(f, p, a, b) => {
            let (a, b) = (rename(g, a, from, to), rename(g, b, from, to));
            g.compare(f, p, a, b)
        }
        Node::Select(c, a, b) => {
            let (c, a, b) = (
                rename(g, c, from, to),
                rename(g, a, from, to),
                rename(g, b, from, to),
            );
            g.select(c, a, b)
        }
        Node::Int(ix) => {
            let mut sum = Ix::constant(ix.base);
            for t in &ix.terms {
                let part = match t.atom {
                    Atom::Node(n) if t.div == 1 => {
                        let n = rename(g, n, from, to);
                        g.as_ix(n).times(t.scale)
                    }
                    _ => Ix {
                        terms: vec![*t],
                        base: 0,
                    },
                };
                sum = sum.add(&part);
            }
            g.int(sum)
        }
        _ => id,
    }
}

/// The value of a resolved node; `None` if it depends on something unknown.
pub fn eval(g: &Graph, id: Id, env: &Env) -> Option<Val> {
    if let Some((symbol, value)) = env.symbol
        && symbol == id
    {
        return Some(Val::Int(value));
    }
    match g.node(id) {
        Node::Float(bits) => Some(Val::Float(f64::from_bits(*bits))),
        Node::Int(ix) => index(g, ix, env).map(Val::Int),
        Node::Un(f, a) => unary(*f, eval(g, *a, env)?),
        Node::Cast(_, a) => eval(g, *a, env),
        Node::Bin(f, a, b) => binary(*f, eval(g, *a, env)?, eval(g, *b, env)?),
        Node::Cmp(_, p, a, b) => compare(*p, eval(g, *a, env)?, eval(g, *b, env)?),
        Node::Select(c, a, b) => match eval(g, *c, env)? {
            Val::Int(0) => eval(g, *b, env),
            Val::Int(_) => eval(g, *a, env),
            Val::Float(_) => None,
        },
        _ => None,
    }
}

/// The value of an index expression.
pub fn index(g: &Graph, ix: &Ix, env: &Env) -> Option<i64> {
    let mut sum = ix.base;
    for t in &ix.terms {
        let value = match t.atom {
            Atom::Dim(d) => *env.dims.get(&d)?,
            Atom::Node(n) => match eval(g, n, env)? {
                Val::Int(i) => i,
                Val::Float(_) => return None,
            },
        };
        let digit = value.div_euclid(t.div);
        let digit = if t.ext == super::index::UNBOUNDED {
            digit
        } else {
            digit.rem_euclid(t.ext)
        };
        sum = sum.checked_add(digit.checked_mul(t.scale)?)?;
    }
    Some(sum)
}

fn unary(f: Un, a: Val) -> Option<Val> {
    match (f, a) {
        (Un::Neg, Val::Float(x)) => Some(Val::Float(-x)),
        (Un::ToFloat, Val::Int(i)) => Some(Val::Float(i as f64)),
        _ => None,
    }
}

fn binary(f: Bin, a: Val, b: Val) -> Option<Val> {
    Some(match (a, b) {
        (Val::Float(x), Val::Float(y)) => Val::Float(match f {
            Bin::Add => x + y,
            Bin::Sub => x - y,
            Bin::Mul => x * y,
            Bin::Div => x / y,
            Bin::Max => x.max(y),
            Bin::Min => x.min(y),
            _ => return None,
        }),
        (Val::Int(x), Val::Int(y)) => Val::Int(match f {
            Bin::IMul => x.checked_mul(y)?,
            Bin::IDiv if x >= 0 && y > 0 => x / y,
            Bin::IRem if x >= 0 && y > 0 => x % y,
            Bin::IMax => x.max(y),
            Bin::IMin => x.min(y),
            Bin::And => x & y,
            Bin::Or => x | y,
            Bin::Xor => x ^ y,
            _ => return None,
        }),
        _ => return None,
    })
}

fn compare(predicate: i64, a: Val, b: Val) -> Option<Val> {
    let truth = match (a, b) {
        (Val::Int(x), Val::Int(y)) => match predicate {
            0 => x == y,
            1 => x != y,
            2 => x < y,
            3 => x <= y,
            4 => x > y,
            5 => x >= y,
            6 => (x as u64) < y as u64,
            7 => x as u64 <= y as u64,
            8 => x as u64 > y as u64,
            9 => x as u64 >= y as u64,
            _ => return None,
        },
        // floats: false, oeq, ogt, oge, olt, ole, one, ord, ueq, ugt, uge, ult, ule, une, uno, true
        (Val::Float(x), Val::Float(y)) => match predicate {
            1 | 8 => x == y,
            2 | 9 => x > y,
            3 | 10 => x >= y,
            4 | 11 => x < y,
            5 | 12 => x <= y,
            6 | 13 => x != y,
            _ => return None,
        },
        _ => return None,
    };
    Some(Val::Int(truth.into()))
}

/// Finds the positions at which something below `id` may change, at a point of the dimensions: those at which the two
/// sides of a comparison (or maximum, minimum) meet, and their neighbours. `None` if the node is not made of comparisons
/// of expressions that are linear in the position.
pub fn turning_points(g: &Graph, id: Id, env: &Env, symbol: Id, out: &mut Vec<i64>) -> Option<()> {
    match g.node(id) {
        _ if id == symbol => Some(()),
        Node::Un(_, a) | Node::Cast(_, a) => turning_points(g, *a, env, symbol, out),
        Node::Cmp(_, _, a, b) | Node::Bin(Bin::IMax | Bin::IMin, a, b) => {
            meet(g, *a, *b, env, symbol, out)?;
            turning_points(g, *a, env, symbol, out)?;
            turning_points(g, *b, env, symbol, out)
        }
        Node::Bin(Bin::IDiv | Bin::IRem | Bin::IMul, a, b) => {
            let constant = |id| linear_in(g, id, env, symbol).is_some_and(|l| l.0 == 0);
            (constant(*a) && constant(*b)).then_some(())
        }
        Node::Bin(_, a, b) => {
            turning_points(g, *a, env, symbol, out)?;
            turning_points(g, *b, env, symbol, out)
        }
        Node::Select(c, a, b) => {
            for x in [c, a, b] {
                turning_points(g, *x, env, symbol, out)?;
            }
            Some(())
        }
        Node::Int(ix) => {
            for t in &ix.terms {
                if let Atom::Node(n) = t.atom {
                    turning_points(g, n, env, symbol, out)?;
                }
            }
            Some(())
        }
        Node::Float(_) => Some(()),
        _ => None,
    }
}

/// Where `a` and `b` meet. A maximum or choice on a side is one of its branches, each linear: all pairs are looked at.
fn meet(g: &Graph, a: Id, b: Id, env: &Env, symbol: Id, out: &mut Vec<i64>) -> Option<()> {
    let (left, right) = (branches(g, a, env, symbol)?, branches(g, b, env, symbol)?);
    for (p, c) in &left {
        for (q, d) in &right {
            let (slope, gap) = (p - q, d - c);
            if slope != 0 {
                let at = gap.div_euclid(slope);
                out.extend([at - 1, at, at + 1, at + 2]);
            }
        }
    }
    Some(())
}

/// All linear forms `slope * position + constant` that an integer node takes.
fn branches(g: &Graph, id: Id, env: &Env, symbol: Id) -> Option<Vec<(i64, i64)>> {
    if let Some(one) = linear_in(g, id, env, symbol) {
        return Some(vec![one]);
    }
    match g.node(id) {
        Node::Bin(Bin::IMax | Bin::IMin, a, b) | Node::Select(_, a, b) => {
            let mut all = branches(g, *a, env, symbol)?;
            all.extend(branches(g, *b, env, symbol)?);
            Some(all)
        }
        Node::Int(ix) => {
            let mut all = vec![(0, ix.base)];
            for t in &ix.terms {
                let part = match t.atom {
                    Atom::Node(n) if t.div == 1 => branches(g, n, env, symbol)?,
                    _ => vec![(
                        0,
                        index(
                            g,
                            &Ix {
                                terms: vec![*t],
                                base: 0,
                            },
                            env,
                        )? / t.scale,
                    )],
                };
                let sums = all.iter().flat_map(|(p, c)| {
                    part.iter()
                        .map(move |(q, d)| (p + q * t.scale, c + d * t.scale))
                });
                all = sums.collect();
            }
            Some(all)
        }
        _ => None,
    }
}

/// The node as `slope * position + constant`.
fn linear_in(g: &Graph, id: Id, env: &Env, symbol: Id) -> Option<(i64, i64)> {
    if id == symbol {
        return Some((1, 0));
    }
    match g.node(id) {
        Node::Int(ix) => {
            let mut sum = (0, ix.base);
            for t in &ix.terms {
                match t.atom {
                    Atom::Node(n) if t.div == 1 => {
                        let (p, c) = linear_in(g, n, env, symbol)?;
                        sum = (sum.0 + p * t.scale, sum.1 + c * t.scale);
                    }
                    _ => {
                        sum.1 += index(
                            g,
                            &Ix {
                                terms: vec![*t],
                                base: 0,
                            },
                            env,
                        )?
                    }
                }
            }
            Some(sum)
        }
        _ => match eval(g, id, env)? {
            Val::Int(i) => Some((0, i)),
            Val::Float(_) => None,
        },
    }
}
