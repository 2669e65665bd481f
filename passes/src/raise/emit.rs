//! Scalar expressions as code: a `linalg.generic` that computes a node for every point.

use super::build::{Axis, Builder};
use super::graph::{Bin, Graph, Id, Node, Un};
use super::index::{Atom, Ix, UNBOUNDED};
use rustc_hash::FxHashMap;
use spec_dialect::ffi::{Attr, Block, Loc, Type, Value, build_op, new_block};

/// The node over these axes, as a tensor of f32 or i64.
pub fn tensor(g: &mut Graph, b: Builder, id: Id, axes: &[Axis]) -> Option<Value> {
    let element = if is_integer(g, id) { "i64" } else { "f32" };
    tensor_as(g, b, id, axes, element)
}

/// The node over these axes, as a tensor of an element type.
pub fn tensor_as(g: &mut Graph, b: Builder, id: Id, axes: &[Axis], element: &str) -> Option<Value> {
    let ctx = b.ctx();
    let scalar = Type::parse(ctx, element)?;
    let loc = b.before.loc();
    let block = new_block(&[scalar], loc);
    let index = Type::parse(ctx, "index")?;
    let mut body = Emitter {
        block,
        loc,
        index,
        b,
        dims: FxHashMap::default(),
        known: FxHashMap::default(),
    };
    for (i, (ix, size)) in axes.iter().enumerate() {
        let here = body.op(
            "linalg.index",
            &[],
            index,
            &[("dim", Attr::i64(ctx, i as i64))],
        )?;
        for t in &ix.terms {
            let Atom::Dim(d) = t.atom else { return None };
            if t.div != 1 || t.ext != g.sizes[d as usize] {
                return None;
            }
            let ext = if t.scale * t.ext == *size {
                UNBOUNDED
            } else {
                t.ext
            };
            let value = body.digit(here, t.scale, ext)?;
            body.dims.insert(d, value);
        }
    }
    let value = body.node(g, id)?;
    let value = body.cast(value, scalar)?;
    block.append(build_op("linalg.yield", loc, &[value], &[], &[], &[])?);
    let sizes: Vec<i64> = axes.iter().map(|a| a.1).collect();
    let ty = b.tensor(&sizes, element)?;
    let init = b.empty(ty)?;
    let names: Vec<String> = (0..sizes.len()).map(|d| format!("d{d}")).collect();
    let names = names.join(", ");
    let loops = vec!["#linalg.iterator_type<parallel>"; sizes.len()].join(", ");
    let attrs = [
        (
            "indexing_maps",
            Attr::parse(ctx, &format!("[affine_map<({names}) -> ({names})>]"))?,
        ),
        ("iterator_types", Attr::parse(ctx, &format!("[{loops}]"))?),
        ("operandSegmentSizes", Attr::parse(ctx, "array<i32: 0, 1>")?),
    ];
    b.op_with("linalg.generic", &[init], &[ty], &attrs, &[vec![block]])
}

/// True if the node is an integer.
pub fn is_integer(g: &Graph, id: Id) -> bool {
    match g.node(id) {
        Node::Elem(v, _) | Node::Scalar(v) => v.ty().shape().element.is_int(),
        Node::Int(_) => true,
        Node::Bin(f, ..) => matches!(f, Bin::IMul | Bin::IDiv | Bin::IRem | Bin::IMax | Bin::IMin),
        Node::Select(_, a, _) => is_integer(g, *a),
        _ => false,
    }
}

struct Emitter {
    block: Block,
    loc: Loc,
    index: Type,
    b: Builder,
    dims: FxHashMap<u32, Value>,
    known: FxHashMap<Id, Value>,
}

impl Emitter {
    fn op(
        &self,
        name: &str,
        operands: &[Value],
        ty: Type,
        attrs: &[(&str, Attr)],
    ) -> Option<Value> {
        let op = build_op(name, self.loc, operands, &[ty], attrs, &[])?;
        self.block.append(op);
        op.results().next()
    }

    fn constant(&self, value: i64) -> Option<Value> {
        let attr = Attr::parse(self.b.ctx(), &format!("{value} : index"))?;
        self.op("arith.constant", &[], self.index, &[("value", attr)])
    }

    /// `(value / div) mod ext`
    fn digit(&self, value: Value, div: i64, ext: i64) -> Option<Value> {
        let mut value = value;
        if div != 1 {
            value = self.op(
                "arith.divui",
                &[value, self.constant(div)?],
                self.index,
                &[],
            )?;
        }
        if ext != UNBOUNDED {
            value = self.op(
                "arith.remui",
                &[value, self.constant(ext)?],
                self.index,
                &[],
            )?;
        }
        Some(value)
    }

    fn index(&mut self, g: &mut Graph, ix: &Ix) -> Option<Value> {
        let mut sum = self.constant(ix.base)?;
        for t in &ix.terms {
            let value = match t.atom {
                Atom::Dim(d) => {
                    let whole = *self.dims.get(&d)?;
                    let ext = if t.div.checked_mul(t.ext)? >= g.sizes[d as usize] {
                        UNBOUNDED
                    } else {
                        t.ext
                    };
                    self.digit(whole, t.div, ext)?
                }
                Atom::Node(n) => {
                    let value = self.node(g, n)?;
                    self.cast(value, self.index)?
                }
            };
            let part = self.op(
                "arith.muli",
                &[value, self.constant(t.scale)?],
                self.index,
                &[],
            )?;
            sum = self.op("arith.addi", &[sum, part], self.index, &[])?;
        }
        Some(sum)
    }

    /// Converts between index and integers, and between floats.
    fn cast(&self, value: Value, to: Type) -> Option<Value> {
        let (from, goal) = (value.ty().shape().element, to.shape().element);
        let name = match () {
            () if value.ty() == to => return Some(value),
            () if from.is_float() && goal.is_float() => {
                if from.bits() < goal.bits() {
                    "arith.extf"
                } else {
                    "arith.truncf"
                }
            }
            () if from.is_int() && goal.is_int() => "arith.index_cast",
            () => return None,
        };
        self.op(name, &[value], to, &[])
    }

    fn float(&mut self, g: &mut Graph, id: Id) -> Option<Value> {
        let value = self.node(g, id)?;
        self.cast(value, Type::parse(self.b.ctx(), "f32")?)
    }

    fn node(&mut self, g: &mut Graph, id: Id) -> Option<Value> {
        if let Some(known) = self.known.get(&id) {
            return Some(*known);
        }
        let value = self.compute(g, id)?;
        self.known.insert(id, value);
        Some(value)
    }

    /// Floats are computed in f32, integers as index.
    fn compute(&mut self, g: &mut Graph, id: Id) -> Option<Value> {
        let ctx = self.b.ctx();
        let f32 = Type::parse(ctx, "f32")?;
        match g.node(id).clone() {
            Node::Elem(tensor, at) => {
                let mut operands = vec![tensor];
                for ix in &at {
                    operands.push(self.index(g, ix)?);
                }
                let element = tensor.ty().shape().element;
                let ty = Type::parse(ctx, &element.to_string())?;
                let value = self.op("tensor.extract", &operands, ty, &[])?;
                let wide = if element.is_float() { f32 } else { self.index };
                if element.bits() == 1 {
                    Some(value)
                } else {
                    self.cast(value, wide)
                }
            }
            Node::Scalar(v) => {
                let element = v.ty().shape().element;
                let wide = if element.is_float() { f32 } else { self.index };
                if element.bits() == 1 {
                    Some(v)
                } else {
                    self.cast(v, wide)
                }
            }
            Node::Float(bits) => {
                let value = (f64::from_bits(bits)) as f32;
                let attr = Attr::parse(ctx, &format!("{:#010x} : f32", value.to_bits()))?;
                self.op("arith.constant", &[], f32, &[("value", attr)])
            }
            Node::Int(ix) => self.index(g, &ix),
            Node::Un(f, a) => {
                let a = if f == Un::ToFloat {
                    self.whole(g, a)?
                } else {
                    self.float(g, a)?
                };
                self.op(unary_name(f), &[a], f32, &[])
            }
            Node::Cast(_, a) => self.node(g, a),
            Node::Bin(f, a, b) => self.binary(g, f, a, b),
            Node::Cmp(float, predicate, a, b) => {
                let i1 = Type::parse(ctx, "i1")?;
                let (name, x) = if float {
                    ("arith.cmpf", [self.float(g, a)?, self.float(g, b)?])
                } else {
                    ("arith.cmpi", [self.node(g, a)?, self.node(g, b)?])
                };
                self.op(name, &x, i1, &[("predicate", Attr::i64(ctx, predicate))])
            }
            Node::Select(c, a, b) => {
                let x = [self.node(g, c)?, self.node(g, a)?, self.node(g, b)?];
                let ty = x[1].ty();
                self.op("arith.select", &x, ty, &[])
            }
            Node::Unknown(_) | Node::Reduce(..) | Node::Acc => None,
        }
    }

    /// An integer as i64.
    fn whole(&mut self, g: &mut Graph, id: Id) -> Option<Value> {
        let value = self.node(g, id)?;
        self.cast(value, Type::parse(self.b.ctx(), "i64")?)
    }

    fn binary(&mut self, g: &mut Graph, f: Bin, a: Id, b: Id) -> Option<Value> {
        let (name, floats) = match f {
            Bin::Add => ("arith.addf", true),
            Bin::Sub => ("arith.subf", true),
            Bin::Mul => ("arith.mulf", true),
            Bin::Div => ("arith.divf", true),
            Bin::Max => ("arith.maximumf", true),
            Bin::Min => ("arith.minimumf", true),
            Bin::Pow => ("math.powf", true),
            Bin::IMul => ("arith.muli", false),
            Bin::IDiv => ("arith.divsi", false),
            Bin::IRem => ("arith.remsi", false),
            Bin::IMax => ("arith.maxsi", false),
            Bin::IMin => ("arith.minsi", false),
            Bin::And => ("arith.andi", false),
            Bin::Or => ("arith.ori", false),
            Bin::Xor => ("arith.xori", false),
        };
        let x = if floats {
            [self.float(g, a)?, self.float(g, b)?]
        } else {
            [self.node(g, a)?, self.node(g, b)?]
        };
        let ty = x[0].ty();
        self.op(name, &x, ty, &[])
    }
}

fn unary_name(f: Un) -> &'static str {
    match f {
        Un::Neg => "arith.negf",
        Un::Exp => "math.exp",
        Un::Tanh => "math.tanh",
        Un::Rsqrt => "math.rsqrt",
        Un::Sqrt => "math.sqrt",
        Un::Erf => "math.erf",
        Un::Cos => "math.cos",
        Un::Sin => "math.sin",
        Un::ToFloat => "arith.sitofp",
    }
}
