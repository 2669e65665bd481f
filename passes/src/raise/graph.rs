//! Elements of tensors as scalar expressions, opened on demand.
//!
//! An element is a value and an index expression for each dimension. Ops that only move elements (reshapes, slices,
//! transposes, broadcasts, widening casts) are looked through at once; all others when a matcher asks for it. Nodes are
//! interned: two elements are the same if their ids are.

use super::body;
use super::index::{Atom, Ix};
use super::view;
use rustc_hash::FxHashMap;
use spec_dialect::ffi::Value;

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u32);

/// Functions of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Un {
    /// Minus.
    Neg,
    /// e^x.
    Exp,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / sqrt(x).
    Rsqrt,
    /// Square root.
    Sqrt,
    /// Error function.
    Erf,
    /// Cosine.
    Cos,
    /// Sine.
    Sin,
    /// Integer to float.
    ToFloat,
}

/// Functions of two arguments; on floats, but for those that start with `I` and the logical ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Bin {
    Add,
    Sub,
    Mul,
    Div,
    Max,
    Min,
    Pow,
    IMul,
    IDiv,
    IRem,
    IMax,
    IMin,
    And,
    Or,
    Xor,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// An element of a tensor that is no view.
    Elem(Value, Vec<Ix>),
    /// A scalar that is not looked into.
    Scalar(Value),
    /// Something that equals nothing else.
    Unknown(u32),
    /// A float constant: the bits of an f64.
    Float(u64),
    /// An integer, index or truth value.
    Int(Ix),
    /// A function.
    Un(Un, Id),
    /// A function.
    Bin(Bin, Id, Id),
    /// A comparison of floats (`true`) or integers, with MLIR's predicate number.
    Cmp(bool, i64, Id, Id),
    /// `if a then b else c`.
    Select(Id, Id, Id),
    /// A cast between float types; `true` if it widens.
    Cast(bool, Id),
    /// A reduction over dimensions: function, element, start value.
    Reduce(Bin, Id, Id, Vec<u32>),
    /// The accumulator, inside of the element of a reduction.
    Acc,
}

/// A value on the way to an element's base, with the indices there.
pub type Step = (Value, Vec<Ix>);

/// A mask of a program, at token and row: value, index, numbers of tokens, rows, cache rows.
pub type MaskKey = (Value, Vec<Ix>, i64, i64, i64);

/// Masks and whether they were proved to hide the future and nothing else.
pub type Proofs = FxHashMap<MaskKey, bool>;

/// The nodes that one root needs.
#[derive(Default)]
pub struct Graph {
    nodes: Vec<Node>,
    ids: FxHashMap<Node, Id>,
    opened: FxHashMap<Id, Option<Id>>,
    /// For elements: the ways that led to them, outermost value first.
    steps: FxHashMap<Id, Vec<Step>>,
    /// For scalars: a value that holds it.
    values: FxHashMap<Id, Value>,
    /// For counters of loops: their number of values.
    pub trips: FxHashMap<Id, i64>,
    /// Sizes of dimensions.
    pub sizes: Vec<i64>,
    /// What was found out about masks, for the graphs that come after this one.
    pub proofs: Proofs,
    unknowns: u32,
}

impl Graph {
    /// An empty graph that knows of masks.
    pub fn with(proofs: Proofs) -> Self {
        Graph {
            proofs,
            ..Graph::default()
        }
    }

    /// The node.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// Interns a node.
    pub fn add(&mut self, node: Node) -> Id {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.ids.insert(node, id);
        id
    }

    /// A new dimension.
    pub fn new_dim(&mut self, size: i64) -> (u32, Ix) {
        let dim = self.sizes.len() as u32;
        self.sizes.push(size);
        (dim, Ix::dim(dim, size))
    }

    /// Something that equals nothing else.
    pub fn unknown(&mut self) -> Id {
        self.unknowns += 1;
        self.add(Node::Unknown(self.unknowns))
    }

    /// A float constant.
    pub fn float(&mut self, value: f64) -> Id {
        self.add(Node::Float(value.to_bits()))
    }

    /// An integer.
    pub fn int(&mut self, ix: Ix) -> Id {
        match ix.terms[..] {
            [t] if ix.base == 0 && t.scale == 1 && t.div == 1 => match t.atom {
                Atom::Node(id) => id,
                Atom::Dim(_) => self.add(Node::Int(ix)),
            },
            _ => self.add(Node::Int(ix)),
        }
    }

    /// The integer as an index expression.
    pub fn as_ix(&self, id: Id) -> Ix {
        match self.node(id) {
            Node::Int(ix) => ix.clone(),
            _ => match self.trips.get(&id) {
                Some(n) => Ix::counter(id, *n),
                None => Ix::node(id),
            },
        }
    }

    /// The element of a tensor at an index: what is behind all views.
    pub fn elem(&mut self, value: Value, index: Vec<Ix>) -> Id {
        let mut steps = vec![(value, index)];
        while let Some((value, index)) = steps.last() {
            match view::behind(self, *value, index) {
                Some(next) => steps.push(next),
                None => break,
            }
        }
        let (value, index) = steps[steps.len() - 1].clone();
        let id = self.add(Node::Elem(value, index));
        // the base stays last
        let known = self.steps.entry(id).or_default();
        steps.retain(|step| !known.contains(step));
        known.splice(0..0, steps);
        id
    }

    /// The ways to an element, outermost first.
    pub fn steps(&self, id: Id) -> &[Step] {
        self.steps.get(&id).map_or(&[], |s| s)
    }

    /// A scalar of the program, outside of linalg bodies.
    pub fn scalar(&mut self, value: Value) -> Id {
        let id = body::scalar(self, value);
        self.values.entry(id).or_insert(value);
        id
    }

    /// A value that holds the scalar.
    pub fn value_of(&self, id: Id) -> Option<Value> {
        self.values.get(&id).copied()
    }

    /// One step towards the definition of an element.
    pub fn open(&mut self, id: Id) -> Option<Id> {
        if let Some(known) = self.opened.get(&id) {
            return *known;
        }
        let Node::Elem(value, index) = self.node(id).clone() else {
            return None;
        };
        let opened = body::open(self, value, &index);
        self.opened.insert(id, opened);
        opened
    }

    /// Opens elements and drops float casts until there is an operation, or an element that cannot be opened.
    pub fn op(&mut self, id: Id) -> Id {
        let mut id = id;
        loop {
            id = match self.node(id) {
                Node::Cast(_, inner) => *inner,
                Node::Elem(..) => match self.open(id) {
                    Some(inner) => inner,
                    None => return id,
                },
                _ => return id,
            };
        }
    }

    /// The operation behind an element, if any.
    pub fn op_node(&mut self, id: Id) -> (Id, Node) {
        let id = self.op(id);
        (id, self.node(id).clone())
    }

    /// Drops widening casts.
    pub fn closed(&self, id: Id) -> Id {
        match self.node(id) {
            Node::Cast(true, inner) => self.closed(*inner),
            _ => id,
        }
    }

    /// The float constant behind a node.
    pub fn as_float(&mut self, id: Id) -> Option<f64> {
        match self.op_node(id).1 {
            Node::Float(bits) => Some(f64::from_bits(bits)),
            Node::Un(Un::ToFloat, x) => match self.op_node(x).1 {
                Node::Int(ix) => ix.as_constant().map(|c| c as f64),
                _ => None,
            },
            _ => None,
        }
    }

    /// True if two nodes mean the same, casts aside.
    pub fn same(&mut self, a: Id, b: Id) -> bool {
        self.same_to(a, b, 10)
    }

    fn same_to(&mut self, a: Id, b: Id, depth: u32) -> bool {
        if a == b {
            return true;
        }
        if depth == 0 {
            return false;
        }
        let ((a, x), (b, y)) = (self.op_node(a), self.op_node(b));
        if a == b {
            return true;
        }
        let depth = depth - 1;
        match (x, y) {
            (Node::Un(f, a), Node::Un(g, b)) => f == g && self.same_to(a, b, depth),
            (Node::Bin(f, a, b), Node::Bin(g, c, d)) => {
                let commutes = matches!(f, Bin::Add | Bin::Mul | Bin::Max | Bin::Min);
                f == g
                    && ((self.same_to(a, c, depth) && self.same_to(b, d, depth))
                        || (commutes && self.same_to(a, d, depth) && self.same_to(b, c, depth)))
            }
            (Node::Select(a, b, c), Node::Select(d, e, f)) => {
                self.same_to(a, d, depth) && self.same_to(b, e, depth) && self.same_to(c, f, depth)
            }
            (Node::Cmp(f, p, a, b), Node::Cmp(g, q, c, d)) => {
                (f, p) == (g, q) && self.same_to(a, c, depth) && self.same_to(b, d, depth)
            }
            (Node::Reduce(f, a, i, r), Node::Reduce(g, b, j, s)) => {
                let sizes = |g: &Graph, r: &[u32]| -> Vec<i64> {
                    r.iter().map(|d| g.sizes[*d as usize]).collect()
                };
                if f != g || sizes(self, &r) != sizes(self, &s) || !self.same_to(i, j, depth) {
                    return false;
                }
                let mut b = Some(b);
                for (from, to) in s.iter().zip(&r) {
                    let by = Ix::dim(*to, self.sizes[*to as usize]);
                    b = b.and_then(|b| self.substitute(b, *from, &by));
                }
                b.is_some_and(|b| self.same_to(a, b, depth))
            }
            _ => false,
        }
    }

    /// Replaces a dimension everywhere in a node, without opening it.
    pub fn substitute(&mut self, id: Id, dim: u32, by: &Ix) -> Option<Id> {
        let node = self.node(id).clone();
        let sub = |g: &mut Graph, id: Id| g.substitute(id, dim, by);
        Some(match node {
            Node::Elem(value, index) => {
                let index: Option<Vec<Ix>> = index
                    .iter()
                    .map(|ix| self.substitute_ix(ix, dim, by))
                    .collect();
                let new = self.elem(value, index?);
                self.carry_steps(id, new, dim, by);
                new
            }
            Node::Int(ix) => {
                let ix = self.substitute_ix(&ix, dim, by)?;
                self.int(ix)
            }
            Node::Un(f, a) => {
                let a = sub(self, a)?;
                self.add(Node::Un(f, a))
            }
            Node::Cast(w, a) => {
                let a = sub(self, a)?;
                self.add(Node::Cast(w, a))
            }
            Node::Bin(f, a, b) => {
                let (a, b) = (sub(self, a)?, sub(self, b)?);
                self.binary(f, a, b)
            }
            Node::Cmp(f, p, a, b) => {
                let (a, b) = (sub(self, a)?, sub(self, b)?);
                self.compare(f, p, a, b)
            }
            Node::Select(a, b, c) => {
                let (a, b, c) = (sub(self, a)?, sub(self, b)?, sub(self, c)?);
                self.select(a, b, c)
            }
            Node::Reduce(f, a, i, r) => {
                let (a, i) = (sub(self, a)?, sub(self, i)?);
                self.add(Node::Reduce(f, a, i, r))
            }
            Node::Scalar(_) | Node::Unknown(_) | Node::Float(_) | Node::Acc => id,
        })
    }

    /// The ways to an element are also ways to what it becomes when a dimension is replaced.
    fn carry_steps(&mut self, old: Id, new: Id, dim: u32, by: &Ix) {
        if old == new {
            return;
        }
        let mut carried = vec![];
        for (value, index) in self.steps(old).to_vec() {
            let index: Option<Vec<Ix>> = index
                .iter()
                .map(|ix| self.substitute_ix(ix, dim, by))
                .collect();
            carried.extend(index.map(|index| (value, index)));
        }
        let known = self.steps.entry(new).or_default();
        carried.retain(|step| !known.contains(step));
        known.splice(0..0, carried);
    }

    fn substitute_ix(&mut self, ix: &Ix, dim: u32, by: &Ix) -> Option<Ix> {
        let mut out = ix.substitute(dim, by)?;
        let nodes: Vec<_> = out
            .terms
            .iter()
            .filter_map(|t| match t.atom {
                Atom::Node(n) => Some((*t, n)),
                Atom::Dim(_) => None,
            })
            .collect();
        for (term, node) in nodes {
            let new = self.substitute(node, dim, by)?;
            if new == node {
                continue;
            }
            if term.div != 1 {
                return None;
            }
            out.terms.retain(|t| *t != term);
            out = out.add(&self.as_ix(new).times(term.scale));
        }
        Some(out)
    }

    /// A function of two arguments, integer arithmetic folded.
    pub fn binary(&mut self, f: Bin, a: Id, b: Id) -> Id {
        let folded = match f {
            Bin::IMul | Bin::IDiv | Bin::IRem | Bin::IMax | Bin::IMin => {
                let (x, y) = (self.as_ix(a), self.as_ix(b));
                fold(f, &x, &y)
            }
            _ => None,
        };
        match folded {
            Some(ix) => self.int(ix),
            None => self.add(Node::Bin(f, a, b)),
        }
    }

    /// A comparison, decided where ranges do.
    pub fn compare(&mut self, float: bool, predicate: i64, a: Id, b: Id) -> Id {
        if !float {
            let difference = self.as_ix(a).minus(&self.as_ix(b));
            let unsigned = predicate >= 6;
            let natural = |g: &Graph, id| g.as_ix(id).range().is_some_and(|r| r.0 >= 0);
            if let Some(range) = difference.range()
                && (!unsigned || natural(self, a) && natural(self, b))
                && let Some(known) = decided(predicate, range)
            {
                return self.int(Ix::constant(known.into()));
            }
        }
        self.add(Node::Cmp(float, predicate, a, b))
    }

    /// A choice, made where the condition is known.
    pub fn select(&mut self, condition: Id, yes: Id, no: Id) -> Id {
        match self.node(condition) {
            Node::Int(ix) if ix.terms.is_empty() => {
                if ix.base != 0 {
                    yes
                } else {
                    no
                }
            }
            _ if yes == no => yes,
            _ => self.add(Node::Select(condition, yes, no)),
        }
    }
}

fn fold(f: Bin, x: &Ix, y: &Ix) -> Option<Ix> {
    match (f, x.as_constant(), y.as_constant()) {
        (Bin::IMul, _, Some(c)) => Some(x.times(c)),
        (Bin::IMul, Some(c), _) => Some(y.times(c)),
        (Bin::IDiv | Bin::IRem, _, Some(c)) => {
            // signed and unsigned division are both floor division here
            x.range().filter(|r| r.0 >= 0)?;
            let (quotient, rest) = x.div_rem(c)?;
            Some(if f == Bin::IDiv { quotient } else { rest })
        }
        (Bin::IMax | Bin::IMin, ..) => {
            let (lo, hi) = x.minus(y).range()?;
            let first = if f == Bin::IMax { lo >= 0 } else { hi <= 0 };
            let second = if f == Bin::IMax { hi <= 0 } else { lo >= 0 };
            match (first, second) {
                (true, _) => Some(x.clone()),
                (_, true) => Some(y.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The truth of `a ? b` when `a - b` lies in a range. 0 eq, 1 ne, 2 slt, 3 sle, 4 sgt, 5 sge, then unsigned.
fn decided(predicate: i64, (lo, hi): (i64, i64)) -> Option<bool> {
    let (yes, no) = match predicate {
        0 => (lo == 0 && hi == 0, lo > 0 || hi < 0),
        1 => (lo > 0 || hi < 0, lo == 0 && hi == 0),
        2 | 6 => (hi < 0, lo >= 0),
        3 | 7 => (hi <= 0, lo > 0),
        4 | 8 => (lo > 0, hi <= 0),
        5 | 9 => (lo >= 0, hi < 0),
        _ => (false, false),
    };
    (yes || no).then_some(yes)
}
