//! Tensor ops in the hand of each exporter: the same arithmetic as different MLIR.

use super::Exporter;
use super::text::{At, Builder, Element, Type, Value, affine_map, commas, identity, list};

/// Elementwise ops of two operands.
#[derive(Clone, Copy)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Max,
}

impl Binary {
    pub(super) fn scalar(self) -> &'static str {
        match self {
            Binary::Add => "arith.addf",
            Binary::Sub => "arith.subf",
            Binary::Mul => "arith.mulf",
            Binary::Div => "arith.divf",
            Binary::Max => "arith.maximumf",
        }
    }

    fn named(self) -> &'static str {
        match self {
            Binary::Add => "linalg.add",
            Binary::Sub => "linalg.sub",
            Binary::Mul => "linalg.mul",
            Binary::Div => "linalg.div",
            Binary::Max => "linalg.max",
        }
    }
}

/// Elementwise ops of one operand.
#[derive(Clone, Copy)]
pub(super) enum Unary {
    Exp,
    Rsqrt,
    Neg,
    Cos,
    Sin,
    Tanh,
}

impl Unary {
    fn scalar(self) -> &'static str {
        match self {
            Unary::Exp => "math.exp",
            Unary::Rsqrt => "math.rsqrt",
            Unary::Neg => "arith.negf",
            Unary::Cos => "math.cos",
            Unary::Sin => "math.sin",
            Unary::Tanh => "math.tanh",
        }
    }

    fn named(self) -> Option<&'static str> {
        match self {
            Unary::Exp => Some("linalg.exp"),
            Unary::Rsqrt => Some("linalg.rsqrt"),
            Unary::Neg => Some("linalg.negf"),
            Unary::Tanh => Some("linalg.tanh"),
            Unary::Cos | Unary::Sin => None,
        }
    }
}

/// A builder that knows whose habits it follows.
pub(super) struct Ops {
    pub(super) b: Builder,
    pub(super) exporter: Exporter,
}

impl Ops {
    pub(super) fn new(exporter: Exporter) -> Self {
        Ops {
            b: Builder::default(),
            exporter,
        }
    }

    pub(super) fn empty(&mut self, dims: &[usize], element: Element) -> Value {
        let ty = Type::tensor(dims, element);
        self.b.op(ty.clone(), format_args!("tensor.empty() : {ty}"))
    }

    pub(super) fn fill(&mut self, value: f64, dims: &[usize], element: Element) -> Value {
        let scalar = if element.is_float() {
            self.b.float(value, element)
        } else {
            self.b.int(value as i64, element)
        };
        let init = self.empty(dims, element);
        let ty = init.ty.clone();
        let text = format!(
            "linalg.fill ins({scalar} : {element}) outs({init} : {ty}) -> {ty}",
            element = scalar.ty
        );
        self.b.op(ty, text)
    }

    /// `iterators`: one of `p` (parallel) or `r` (reduction) per dimension.
    pub(super) fn generic(
        &mut self,
        ins: &[(&Value, Vec<At>)],
        init: &Value,
        out: &[At],
        iterators: &str,
        body: impl FnOnce(&mut Builder, &[Value]) -> Value,
    ) -> Value {
        let rank = iterators.len();
        let maps = ins.iter().map(|(_, map)| map.as_slice()).chain([out]);
        let maps = list(maps.map(|map| affine_map(rank, map)));
        let iterators = list(iterators.chars().map(|c| match c {
            'p' => "\"parallel\"",
            _ => "\"reduction\"",
        }));
        let inputs = if ins.is_empty() {
            String::new()
        } else {
            let names = commas(ins.iter().map(|(v, _)| *v));
            let types = commas(ins.iter().map(|(v, _)| v.ty.clone()));
            format!(" ins({names} : {types})")
        };
        let result = Value::new(self.b.fresh(), init.ty.clone());
        self.b.line(format_args!(
            "{result} = linalg.generic {{indexing_maps = {maps}, iterator_types = {iterators}}}{inputs} outs({init} : {}) {{",
            init.ty
        ));
        let args: Vec<Value> = ins
            .iter()
            .map(|(v, _)| v.element())
            .chain([init.element()])
            .map(|element| Value::new(self.b.fresh(), Type::scalar(element)))
            .collect();
        let header = commas(args.iter().map(|a| format!("{a}: {}", a.ty)));
        self.b.line(format_args!("^bb0({header}):"));
        self.b.nested(|b| {
            let value = body(b, &args);
            b.line(format_args!("linalg.yield {value} : {}", value.ty));
        });
        self.b.line(format_args!("}} -> {}", init.ty));
        result
    }

    /// An elementwise generic over operands of the result's rank or less, broadcast from the left and over ones.
    pub(super) fn pointwise(
        &mut self,
        ins: &[&Value],
        element: Element,
        body: impl FnOnce(&mut Builder, &[Value]) -> Value,
    ) -> Value {
        let dims = broadcast_shape(ins);
        let init = self.empty(&dims, element);
        let ins: Vec<_> = ins
            .iter()
            .map(|v| (*v, broadcast_map(v.shape(), &dims)))
            .collect();
        self.generic(
            &ins,
            &init,
            &identity(dims.len()),
            &"p".repeat(dims.len()),
            body,
        )
    }

    /// `a op b` with broadcasting.
    pub(super) fn binary(&mut self, op: Binary, a: &Value, b: &Value) -> Value {
        let dims = broadcast_shape(&[a, b]);
        match self.exporter {
            Exporter::Torch | Exporter::Generic => {
                self.pointwise(&[a, b], a.element(), |body, args| {
                    body.scalar(op.scalar(), &[&args[0], &args[1]])
                })
            }
            Exporter::Jax => {
                let (a, b) = (self.broadcast(a, &dims), self.broadcast(b, &dims));
                self.pointwise(&[&a, &b], a.element(), |body, args| {
                    body.scalar(op.scalar(), &[&args[0], &args[1]])
                })
            }
            Exporter::Onnx | Exporter::Loop => {
                let (a, b) = (self.broadcast(a, &dims), self.broadcast(b, &dims));
                let init = self.empty(&dims, a.element());
                let ty = init.ty.clone();
                let text = format!(
                    "{} ins({a}, {b} : {ty}, {ty}) outs({init} : {ty}) -> {ty}",
                    op.named()
                );
                self.b.op(ty, text)
            }
        }
    }

    /// `a op constant`.
    pub(super) fn with_constant(&mut self, op: Binary, a: &Value, constant: f64) -> Value {
        let element = a.element();
        if self.exporter == Exporter::Torch && !matches!(op, Binary::Div) && element != Element::F64
        {
            // torch-mlir keeps Python floats as f64 and truncates them in the body.
            let wide = self.b.float(constant, Element::F64);
            return self.pointwise(&[a], element, |body, args| {
                let narrow = body.convert("arith.truncf", &wide, element);
                body.scalar(op.scalar(), &[&args[0], &narrow])
            });
        }
        let constant = self.b.float(constant, element);
        self.pointwise(&[a], element, |body, args| {
            body.scalar(op.scalar(), &[&args[0], &constant])
        })
    }

    pub(super) fn unary(&mut self, op: Unary, a: &Value) -> Value {
        if let (Exporter::Onnx | Exporter::Loop, Some(named)) = (self.exporter, op.named()) {
            let init = self.empty(a.shape(), a.element());
            let ty = init.ty.clone();
            let text = format!("{named} ins({a} : {ty}) outs({init} : {ty}) -> {ty}");
            return self.b.op(ty, text);
        }
        self.pointwise(&[a], a.element(), |body, args| {
            body.scalar(op.scalar(), &[&args[0]])
        })
    }

    /// `a` repeated to `dims`; itself where it has them already.
    pub(super) fn broadcast(&mut self, a: &Value, dims: &[usize]) -> Value {
        if a.shape() == dims {
            return a.clone();
        }
        let init = self.empty(dims, a.element());
        if !matches!(self.exporter, Exporter::Onnx | Exporter::Loop) {
            let map = broadcast_map(a.shape(), dims);
            let iterators = "p".repeat(dims.len());
            return self.generic(
                &[(a, map)],
                &init,
                &identity(dims.len()),
                &iterators,
                |_, args| args[0].clone(),
            );
        }
        let offset = dims.len() - a.shape().len();
        let added: Vec<usize> = (0..dims.len())
            .filter(|&d| d < offset || a.shape()[d - offset] != dims[d])
            .collect();
        let kept: Vec<usize> = (0..dims.len())
            .filter(|d| !added.contains(d))
            .map(|d| dims[d])
            .collect();
        let a = self.reshape(a, &kept);
        let ty = init.ty.clone();
        let text = format!(
            "linalg.broadcast ins({a} : {}) outs({init} : {ty}) dimensions = {}",
            a.ty,
            list(added)
        );
        self.b.op(ty, text)
    }

    /// Converts between float types; itself where nothing is to do.
    pub(super) fn cast(&mut self, a: &Value, to: Element) -> Value {
        if a.element() == to {
            return a.clone();
        }
        let widening = to.bytes() > a.element().bytes();
        let name = if widening {
            "arith.extf"
        } else {
            "arith.truncf"
        };
        self.pointwise(&[a], to, |body, args| body.convert(name, &args[0], to))
    }

    /// Reduces the last dimension and keeps it as a one.
    pub(super) fn reduce_last(&mut self, op: Binary, a: &Value) -> Value {
        let rank = a.shape().len();
        let mut kept = a.shape().to_vec();
        kept[rank - 1] = 1;
        let start = if matches!(op, Binary::Max) {
            f64::NEG_INFINITY
        } else {
            0.0
        };
        let iterators = "p".repeat(rank - 1) + "r";
        if matches!(self.exporter, Exporter::Torch) {
            let init = self.fill(start, &kept, a.element());
            let mut out = identity(rank);
            out[rank - 1] = At::Zero;
            return self.generic(
                &[(a, identity(rank))],
                &init,
                &out,
                &iterators,
                |body, args| body.scalar(op.scalar(), &[&args[0], &args[1]]),
            );
        }
        let init = self.fill(start, &a.shape()[..rank - 1], a.element());
        let reduced = if matches!(self.exporter, Exporter::Onnx | Exporter::Loop) {
            let ty = init.ty.clone();
            let text = format!(
                "linalg.reduce {{ {} }} ins({a} : {}) outs({init} : {ty}) dimensions = [{}]",
                op.scalar(),
                a.ty,
                rank - 1
            );
            self.b.op(ty, text)
        } else {
            self.generic(
                &[(a, identity(rank))],
                &init,
                &identity(rank - 1),
                &iterators,
                |body, args| body.scalar(op.scalar(), &[&args[1], &args[0]]),
            )
        };
        self.reshape(&reduced, &kept)
    }
}

/// Shape of the operands broadcast against each other.
fn broadcast_shape(ins: &[&Value]) -> Vec<usize> {
    let rank = ins.iter().map(|v| v.shape().len()).max().unwrap_or(0);
    (0..rank)
        .map(|d| {
            let dims = ins.iter().filter_map(|v| {
                let shape = v.shape();
                (d + shape.len()).checked_sub(rank).map(|at| shape[at])
            });
            dims.max().unwrap_or(1)
        })
        .collect()
}

/// Map that reads an operand of `shape` at a point of `dims`.
fn broadcast_map(shape: &[usize], dims: &[usize]) -> Vec<At> {
    let offset = dims.len() - shape.len();
    let at = |(d, &size): (usize, &usize)| {
        if size == 1 && dims[d + offset] != 1 {
            At::Zero
        } else {
            At::D(d + offset)
        }
    };
    shape.iter().enumerate().map(at).collect()
}
