//! What an op computes for one element: bodies of linalg ops, elementwise ops, constants, scalars.

use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::Ix;
use super::view;
use rustc_hash::FxHashMap;
use spec_dialect::ffi::{Block, Element, MapResult, Op, Value};

/// The definition of an element, one op deep.
pub fn open(g: &mut Graph, value: Value, index: &[Ix]) -> Option<Id> {
    let op = value.def()?;
    match op.name() {
        "arith.constant" => {
            let attr = op.attr("value")?;
            constant(g, if attr.is_splat() { attr.splat()? } else { attr })
        }
        "tensor.splat" => Some(g.scalar(op.operand(0)?)),
        "tensor.from_elements" if op.operands().len() == 1 => Some(g.scalar(op.operand(0)?)),
        "tensor.concat" | "tensor.insert_slice" => view::pieces(g, op, index),
        name if name.starts_with("linalg.") => structured(g, op, value, index),
        name if name.starts_with("arith.") || name.starts_with("math.") => {
            let operands: Vec<Id> = op.operands().map(|v| g.elem(v, index.to_vec())).collect();
            apply(g, op, &operands)
        }
        _ => None,
    }
}

fn constant(g: &mut Graph, attr: spec_dialect::ffi::Attr) -> Option<Id> {
    match (attr.as_f64(), attr.as_i64()) {
        (Some(f), _) => Some(g.float(f)),
        (_, Some(i)) => {
            let truth = attr.to_string() == "true";
            Some(g.int(Ix::constant(if truth { 1 } else { i })))
        }
        _ => None,
    }
}

/// A scalar outside of linalg bodies.
pub fn scalar(g: &mut Graph, value: Value) -> Id {
    let Some(op) = value.def() else {
        let id = g.add(Node::Scalar(value));
        if let Some(trips) = trips(value) {
            g.trips.insert(id, trips);
        }
        return id;
    };
    let known = match op.name() {
        "arith.constant" => op.attr("value").and_then(|a| constant(g, a)),
        "tensor.extract" => {
            let index: Vec<Ix> = op
                .operands()
                .skip(1)
                .map(|v| {
                    let id = g.scalar(v);
                    g.as_ix(id)
                })
                .collect();
            op.operand(0).map(|t| g.elem(t, index))
        }
        name if name.starts_with("arith.") || name.starts_with("math.") => {
            let operands: Vec<Id> = op.operands().map(|v| g.scalar(v)).collect();
            apply(g, op, &operands)
        }
        _ => None,
    };
    known.unwrap_or_else(|| g.add(Node::Scalar(value)))
}

/// The number of trips of the loop that a value counts, from 0 in steps of 1.
pub fn trips(counter: Value) -> Option<i64> {
    let parent = counter.arg_block()?.parent()?;
    let constant = |i: usize| parent.operand(i)?.def()?.attr("value")?.as_i64();
    let counts = parent.name() == "scf.for" && counter.index() == 0;
    (counts && constant(0)? == 0 && constant(2)? == 1).then(|| constant(1))?
}

/// The shape of a linalg op on tensors: maps, the loops that the outputs do not name, sizes.
pub struct Loops {
    /// One map an operand.
    pub maps: Vec<Vec<MapResult>>,
    /// Sizes of the loops.
    pub sizes: Vec<i64>,
    /// Loops that do not appear in the first output.
    pub reductions: Vec<usize>,
    /// Number of inputs.
    pub inputs: usize,
}

/// Reads the loops of a linalg op; `None` for other ops and maps that are no projections.
pub fn loops(op: Op) -> Option<Loops> {
    let maps = op.indexing_maps()?;
    let dims = maps.first()?.dims;
    let inputs = op.operands().len().checked_sub(op.results().len())?;
    let mut sizes = vec![0; dims];
    for (map, operand) in maps.iter().zip(op.operands()) {
        let shape = view::sizes(operand)?;
        for (result, size) in map.results.iter().zip(shape) {
            match result {
                MapResult::Dim(d) => sizes[*d] = size,
                MapResult::Const(_) => {}
                MapResult::Other => return None,
            }
        }
    }
    let out = &maps.get(inputs)?.results;
    let reductions = (0..dims)
        .filter(|d| !out.contains(&MapResult::Dim(*d)))
        .collect();
    Some(Loops {
        maps: maps.into_iter().map(|m| m.results).collect(),
        sizes,
        reductions,
        inputs,
    })
}

impl Loops {
    /// Indices of operand `i` for values of the loops.
    pub fn index(&self, i: usize, at: &[Ix]) -> Vec<Ix> {
        let result = |r: &MapResult| match r {
            MapResult::Dim(d) => at[*d].clone(),
            MapResult::Const(c) => Ix::constant(*c),
            MapResult::Other => Ix::default(),
        };
        self.maps[i].iter().map(result).collect()
    }
}

fn structured(g: &mut Graph, op: Op, value: Value, index: &[Ix]) -> Option<Id> {
    let loops = loops(op)?;
    let output = loops.inputs + value.index();
    let mut at: Vec<Option<Ix>> = vec![None; loops.sizes.len()];
    for (result, ix) in loops.maps.get(output)?.iter().zip(index) {
        if let MapResult::Dim(d) = result {
            at[*d] = Some(ix.clone());
        }
    }
    let mut reduced = vec![];
    let mut all = vec![];
    for (d, ix) in at.into_iter().enumerate() {
        all.push(ix.unwrap_or_else(|| {
            let (dim, ix) = g.new_dim(loops.sizes[d]);
            reduced.push(dim);
            ix
        }));
    }
    let block = op.body()?;
    let result = block.terminator()?.operand(value.index())?;
    let reduces = !loops.reductions.is_empty();
    let mut body = Body {
        op,
        block,
        loops: &loops,
        at: &all,
        accumulator: reduces.then_some(output),
        known: FxHashMap::default(),
    };
    let element = body.value(g, result);
    if !reduces {
        return Some(element);
    }
    let start = g.elem(op.operand(output)?, index.to_vec());
    reduction(g, element, start, reduced)
}

/// Takes `f(acc, element)` apart.
fn reduction(g: &mut Graph, id: Id, start: Id, dims: Vec<u32>) -> Option<Id> {
    let strip = |g: &Graph, mut id: Id| {
        while let Node::Cast(_, inner) = g.node(id) {
            id = *inner;
        }
        id
    };
    let top = strip(g, id);
    let (Node::Bin(f @ (Bin::Add | Bin::Max | Bin::Min), a, b), acc) =
        (g.node(top).clone(), g.add(Node::Acc))
    else {
        return None;
    };
    let element = match (strip(g, a) == acc, strip(g, b) == acc) {
        (true, false) => b,
        (false, true) => a,
        _ => return None,
    };
    (!mentions(g, element, acc)).then(|| g.add(Node::Reduce(f, element, start, dims)))
}

fn mentions(g: &Graph, id: Id, what: Id) -> bool {
    id == what
        || match g.node(id) {
            Node::Un(_, a) | Node::Cast(_, a) => mentions(g, *a, what),
            Node::Bin(_, a, b) | Node::Cmp(_, _, a, b) => {
                mentions(g, *a, what) || mentions(g, *b, what)
            }
            Node::Select(a, b, c) => [a, b, c].iter().any(|x| mentions(g, **x, what)),
            _ => false,
        }
}

/// The body of a linalg op at one point of its loops.
pub struct Body<'a> {
    /// The op.
    pub op: Op,
    /// Its body.
    pub block: Block,
    /// Its loops.
    pub loops: &'a Loops,
    /// The point.
    pub at: &'a [Ix],
    /// The operand that is the accumulator, if the op reduces.
    pub accumulator: Option<usize>,
    /// Values so far.
    pub known: FxHashMap<Value, Id>,
}

impl Body<'_> {
    /// The node of a value of the body.
    pub fn value(&mut self, g: &mut Graph, value: Value) -> Id {
        if let Some(id) = self.known.get(&value) {
            return *id;
        }
        let id = self.compute(g, value);
        self.known.insert(value, id);
        id
    }

    fn compute(&mut self, g: &mut Graph, value: Value) -> Id {
        if value.def_block() != Some(self.block) {
            return g.scalar(value);
        }
        let Some(op) = value.def() else {
            return self.argument(g, value.index());
        };
        match op.name() {
            "linalg.index" => {
                let dim = op.attr("dim").and_then(|d| d.as_i64());
                match dim.and_then(|d| self.at.get(d as usize)) {
                    Some(ix) => g.int(ix.clone()),
                    None => g.unknown(),
                }
            }
            "tensor.extract" => {
                let operands: Vec<Value> = op.operands().collect();
                let index = operands[1..]
                    .iter()
                    .map(|v| {
                        let id = self.value(g, *v);
                        g.as_ix(id)
                    })
                    .collect();
                g.elem(operands[0], index)
            }
            "arith.constant" => g.scalar(value),
            _ => {
                let operands: Vec<Id> = op.operands().map(|v| self.value(g, v)).collect();
                apply(g, op, &operands).unwrap_or_else(|| g.unknown())
            }
        }
    }

    fn argument(&mut self, g: &mut Graph, i: usize) -> Id {
        if self.accumulator == Some(i) {
            return g.add(Node::Acc);
        }
        match self.op.operand(i) {
            Some(v) if v.ty().shape().is_shaped => {
                let index = self.loops.index(i, self.at);
                g.elem(v, index)
            }
            Some(v) => g.scalar(v),
            None => g.unknown(),
        }
    }
}

/// An arith or math op on nodes.
fn apply(g: &mut Graph, op: Op, x: &[Id]) -> Option<Id> {
    let name = op.name();
    let un = match name {
        "arith.negf" => Some(Un::Neg),
        "math.exp" => Some(Un::Exp),
        "math.tanh" => Some(Un::Tanh),
        "math.rsqrt" => Some(Un::Rsqrt),
        "math.sqrt" => Some(Un::Sqrt),
        "math.erf" => Some(Un::Erf),
        "math.cos" => Some(Un::Cos),
        "math.sin" => Some(Un::Sin),
        "arith.sitofp" => Some(Un::ToFloat),
        _ => None,
    };
    if let Some(f) = un {
        return Some(g.add(Node::Un(f, *x.first()?)));
    }
    if let Some(f) = float_function(name) {
        let (a, b) = (*x.first()?, *x.get(1)?);
        return Some(g.add(Node::Bin(f, a, b)));
    }
    match name {
        "arith.extf" => Some(g.add(Node::Cast(true, *x.first()?))),
        "arith.truncf" => Some(match g.node(*x.first()?) {
            Node::Float(_) => x[0],
            _ => g.add(Node::Cast(false, x[0])),
        }),
        "arith.select" => Some(g.select(*x.first()?, *x.get(1)?, *x.get(2)?)),
        "arith.cmpi" | "arith.cmpf" => {
            let predicate = op.attr("predicate")?.as_i64()?;
            Some(g.compare(name == "arith.cmpf", predicate, *x.first()?, *x.get(1)?))
        }
        _ => integer(g, op, x),
    }
}

fn float_function(name: &str) -> Option<Bin> {
    Some(match name {
        "arith.addf" => Bin::Add,
        "arith.subf" => Bin::Sub,
        "arith.mulf" => Bin::Mul,
        "arith.divf" => Bin::Div,
        "arith.maximumf" | "arith.maxnumf" => Bin::Max,
        "arith.minimumf" | "arith.minnumf" => Bin::Min,
        "math.powf" | "math.fpowi" => Bin::Pow,
        _ => return None,
    })
}

fn integer(g: &mut Graph, op: Op, x: &[Id]) -> Option<Id> {
    let (a, b) = (*x.first()?, x.get(1).copied());
    let bits = |v: Option<Value>| v.map(|v| v.ty().shape().element);
    let truth = bits(op.operand(0)) == Some(Element::Int(1));
    match op.name() {
        "arith.index_cast" | "arith.extsi" | "arith.index_castui" | "arith.extui" if !truth => {
            Some(a)
        }
        // positions and ids fit into 32 bits
        "arith.trunci" => (bits(op.results().next())?.bits() >= 32).then_some(a),
        "arith.addi" if !truth => {
            let sum = g.as_ix(a).add(&g.as_ix(b?));
            Some(g.int(sum))
        }
        "arith.subi" if !truth => {
            let difference = g.as_ix(a).minus(&g.as_ix(b?));
            Some(g.int(difference))
        }
        "arith.muli" if !truth => Some(g.binary(Bin::IMul, a, b?)),
        "arith.divui" | "arith.divsi" | "arith.floordivsi" => Some(g.binary(Bin::IDiv, a, b?)),
        "arith.remui" | "arith.remsi" => Some(g.binary(Bin::IRem, a, b?)),
        "arith.maxsi" => Some(g.binary(Bin::IMax, a, b?)),
        "arith.minsi" => Some(g.binary(Bin::IMin, a, b?)),
        "arith.andi" if truth => Some(g.binary(Bin::And, a, b?)),
        "arith.ori" if truth => Some(g.binary(Bin::Or, a, b?)),
        "arith.xori" if truth => Some(g.binary(Bin::Xor, a, b?)),
        _ => None,
    }
}
