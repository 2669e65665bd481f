//! What an op does: loops, the buffers that they go over, and the values of a body.

use super::affine::{self, Linear};
use crate::lower_to_gpu::view::View;
use spec_dialect::ffi::{Attr, Block, Element, Op, Value};
use spec_kernels::DType;
use spec_kernels::gpu::{Access, Binding};
use std::collections::{HashMap, HashSet};

/// A buffer as the loops see it: element `constant + sum of coefficients[d] * d` after the view's first.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) view: View,
    /// Distance of the element of the first round, in elements.
    pub(super) constant: i64,
    /// Distance from one round to the next in each dimension, in elements.
    pub(super) coefficients: Vec<i64>,
    /// Elements that an access takes.
    pub(super) unit: i64,
    /// How the kernel uses it.
    pub(super) access: Access,
    /// The number of its binding; none where its elements are not used.
    pub(super) binding: Option<usize>,
}

/// Where a body's argument comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Element of an operand.
    Element(usize),
    /// A value from outside of the loops.
    Scalar(Value),
}

/// Loops around a body.
#[derive(Clone, Debug, Default)]
pub(super) struct Nest {
    /// Rounds of each loop.
    pub(super) sizes: Vec<i64>,
    /// Whether a loop is over output elements, rather than over what is summed up in one.
    pub(super) parallel: Vec<bool>,
    /// Inputs and outputs, then what `memref.load` reads.
    pub(super) operands: Vec<Operand>,
    /// Arguments of the body.
    pub(super) arguments: HashMap<Value, Source>,
    /// Operand and value of each output.
    pub(super) outputs: Vec<(usize, Value)>,
    /// Where each `memref.load` reads.
    pub(super) loads: HashMap<Op, usize>,
    /// The buffers, in the order of binding numbers.
    pub(super) bindings: Vec<(View, Access)>,
    /// Dimensions whose index the body uses.
    pub(super) indexed: HashSet<usize>,
}

impl Nest {
    /// Reads any op that writes buffers elementwise or by reduction.
    ///
    /// # Errors
    /// It is something else, or a buffer's place, size or element type is not one that kernels know.
    pub(super) fn of(op: Op) -> Result<Nest, String> {
        let mut nest = match op.name() {
            "memref.copy" => Nest::copy(op)?,
            "memref.store" => Nest::store(op)?,
            name if name.starts_with("linalg.") => Nest::structured(op)?,
            name => return Err(format!("no kernel does {name}")),
        };
        nest.collect()?;
        Ok(nest)
    }

    fn operand(&mut self, view: View, map: &[Linear], access: Access) -> Result<usize, String> {
        dtype(view.element)?;
        let mut coefficients = vec![0; self.sizes.len()];
        let mut constant = 0;
        for (result, stride) in map.iter().zip(&view.strides) {
            constant += result.constant * stride;
            for (sum, c) in coefficients.iter_mut().zip(&result.coefficients) {
                *sum += c * stride;
            }
        }
        self.operands.push(Operand {
            view: settled(view),
            constant,
            coefficients,
            unit: 1,
            access,
            binding: None,
        });
        Ok(self.operands.len() - 1)
    }

    fn copy(op: Op) -> Result<Nest, String> {
        let [from, to] = [0, 1].map(|i| op.operand(i));
        let (from, to) = from.zip(to).ok_or("a copy of nothing")?;
        let (source, target) = (View::of(from)?, View::of(to)?);
        let rank = target.sizes.len();
        let map: Vec<Linear> = (0..rank).map(|d| Linear::dim(rank, d)).collect();
        let mut nest = Nest {
            sizes: target.sizes.clone(),
            parallel: vec![true; rank],
            ..Nest::default()
        };
        let input = nest.operand(source, &map, Access::Read)?;
        let output = nest.operand(target, &map, Access::Write)?;
        nest.arguments.insert(from, Source::Element(input));
        nest.outputs.push((output, from));
        Ok(nest)
    }

    fn store(op: Op) -> Result<Nest, String> {
        let (value, to) = op
            .operand(0)
            .zip(op.operand(1))
            .ok_or("a store of nothing")?;
        let view = element_of(View::of(to)?, op.operands().skip(2));
        let mut nest = Nest::default();
        let output = nest.operand(view, &[], Access::Write)?;
        nest.outputs.push((output, value));
        Ok(nest)
    }

    fn structured(op: Op) -> Result<Nest, String> {
        let unknown = || format!("no kernel does {}", op.name());
        let (dims, maps) = affine::maps(op)?;
        let body = op.body().ok_or_else(unknown)?;
        let operands: Vec<Value> = op.operands().collect();
        let outputs = output_count(op, body);
        if maps.len() != operands.len() || outputs == 0 || operands.len() < outputs {
            return Err(unknown());
        }
        let inputs = operands.len() - outputs;
        let mut nest = Nest {
            sizes: sizes(dims, &maps, &operands)?,
            parallel: parallel(dims, &maps[inputs..])?,
            ..Nest::default()
        };
        let arguments = body.args();
        for (i, (value, map)) in operands.iter().zip(&maps).enumerate() {
            let access = if i < inputs {
                Access::Read
            } else {
                Access::Write
            };
            let source = if value.ty().is_memref() {
                Source::Element(nest.operand(View::of(*value)?, map, access)?)
            } else {
                Source::Scalar(*value)
            };
            if let Some(argument) = arguments.get(i) {
                nest.arguments.insert(*argument, source);
            }
            if let (Source::Element(operand), true) = (source, i >= inputs) {
                let result = body.terminator().and_then(|t| t.operand(i - inputs));
                nest.outputs.push((operand, result.ok_or_else(unknown)?));
            }
        }
        nest.only_pure(body)?;
        Ok(nest)
    }

    /// Nothing is left out where values are computed only as far as outputs need them.
    fn only_pure(&self, body: Block) -> Result<(), String> {
        let ops = body.ops();
        // divisions are not pure to MLIR
        let known = |op: &Op| {
            op.is_pure()
                || op.name().starts_with("arith.")
                || matches!(op.name(), "linalg.yield" | "memref.load")
        };
        match ops.iter().find(|op| !known(op)) {
            Some(op) => Err(format!("no kernel does {} for each element", op.name())),
            None => Ok(()),
        }
    }

    /// Loads, indices and bindings that the values of the outputs need.
    fn collect(&mut self) -> Result<(), String> {
        let reduces = self.parallel.contains(&false);
        let mut values: Vec<Value> = self.outputs.iter().map(|(_, v)| *v).collect();
        for (output, _) in self.outputs.clone() {
            self.bind(output, &mut values);
            if reduces {
                self.operands[output].access = Access::ReadWrite;
            }
        }
        let mut seen = HashSet::new();
        while let Some(value) = values.pop() {
            if seen.insert(value) {
                self.visit(value, &mut values)?;
            }
        }
        self.number();
        Ok(())
    }

    /// Marks an operand as used, and queues what its place depends on.
    fn bind(&mut self, operand: usize, values: &mut Vec<Value>) {
        let operand = &mut self.operands[operand];
        operand.binding = Some(0);
        values.extend(operand.view.dynamic.iter().map(|(index, _)| *index));
    }

    fn visit(&mut self, value: Value, values: &mut Vec<Value>) -> Result<(), String> {
        match self.arguments.get(&value) {
            Some(Source::Element(operand)) => {
                let operand = *operand;
                if self.operands[operand].access == Access::Write {
                    self.operands[operand].access = Access::ReadWrite;
                }
                self.bind(operand, values);
                return Ok(());
            }
            Some(Source::Scalar(scalar)) => {
                values.push(*scalar);
                return Ok(());
            }
            None => {}
        }
        let Some(op) = value.def() else {
            return Err(
                "a scalar argument of a function is not in a buffer: pass a buffer of one element"
                    .into(),
            );
        };
        match op.name() {
            "linalg.index" => {
                let d = op.attr("dim").and_then(Attr::as_i64).unwrap_or(-1);
                self.indexed.extend(usize::try_from(d).ok());
            }
            "memref.load" => {
                let from = op.operand(0).ok_or("a load of nothing")?;
                let view = element_of(View::of(from)?, op.operands().skip(1));
                let operand = self.operand(view, &[], Access::Read)?;
                self.loads.insert(op, operand);
                self.bind(operand, values);
            }
            _ => values.extend(op.operands()),
        }
        Ok(())
    }

    /// Gives buffers numbers: one for all that is read in one place, one for each output.
    fn number(&mut self) {
        for operand in self.operands.iter_mut().filter(|o| o.binding.is_some()) {
            let same = |(view, access): &(View, Access)| {
                *access == Access::Read
                    && operand.access == Access::Read
                    && (view.root, view.offset, view.element)
                        == (operand.view.root, operand.view.offset, operand.view.element)
            };
            let known = self.bindings.iter().position(same);
            operand.binding = Some(known.unwrap_or(self.bindings.len()));
            match known {
                Some(i) if range(&self.bindings[i].0) < range(&operand.view) => {
                    self.bindings[i].0 = operand.view.clone();
                }
                Some(_) => {}
                None => self.bindings.push((operand.view.clone(), operand.access)),
            }
        }
    }

    /// The number of an operand's binding.
    ///
    /// # Errors
    /// Its elements are not used.
    pub(super) fn binding_of(&self, operand: usize) -> Result<usize, String> {
        let unused = || "an operand whose elements are not used has no buffer".to_owned();
        self.operands[operand].binding.ok_or_else(unused)
    }

    /// The body's arguments that are elements of `operand`.
    pub(super) fn arguments_of(&self, operand: usize) -> impl Iterator<Item = Value> {
        let of = move |source: &Source| matches!(source, Source::Element(o) if *o == operand);
        (self.arguments.iter()).filter_map(move |(value, source)| of(source).then_some(*value))
    }

    /// Binding `i`, for a kernel.
    pub(super) fn binding(&self, i: usize) -> Result<Binding, String> {
        let (view, access) = &self.bindings[i];
        let name = match access {
            Access::Read => "in",
            Access::Write => "out",
            Access::ReadWrite => "inout",
        };
        Ok(Binding {
            name,
            dtype: dtype(view.element)?,
            access: *access,
            elements: range(view),
        })
    }
}

/// Elements from the view's known place on in which it lies.
pub(super) fn range(view: &View) -> i64 {
    if view.dynamic.is_empty() {
        view.extent()
    } else {
        view.root_elements() - view.offset
    }
}

/// How elements are stored: an i1 is a byte.
pub(super) fn dtype(element: Element) -> Result<DType, String> {
    Ok(match element {
        Element::Float(32) => DType::F32,
        Element::Float(16) => DType::F16,
        Element::BFloat16 => DType::BF16,
        Element::Int(1 | 8) => DType::I8,
        Element::Int(32) => DType::I32,
        Element::Int(64) | Element::Index => DType::I64,
        other => return Err(format!("no GPU kernel takes elements of type {other}")),
    })
}

/// One element of a buffer.
fn element_of(mut view: View, indices: impl Iterator<Item = Value>) -> View {
    let strides = std::mem::take(&mut view.strides);
    view.dynamic.extend(indices.zip(strides));
    view.sizes.clear();
    view
}

/// The view with places that are constants counted into its offset.
fn settled(mut view: View) -> View {
    view.dynamic.retain(|(index, stride)| {
        let constant = index.def().filter(|op| op.name() == "arith.constant");
        match constant.and_then(|op| op.attr("value")?.as_i64()) {
            Some(index) => {
                view.offset += index * stride;
                false
            }
            None => true,
        }
    });
    view
}

fn output_count(op: Op, body: Block) -> usize {
    let segments = op.attr("operandSegmentSizes").and_then(Attr::as_i32_array);
    match segments.as_deref() {
        Some([_, outputs]) => usize::try_from(*outputs).unwrap_or(0),
        _ => body.terminator().map_or(0, |t| t.operands().len()),
    }
}

fn sizes(dims: usize, maps: &[Vec<Linear>], operands: &[Value]) -> Result<Vec<i64>, String> {
    let mut sizes = vec![None; dims];
    for (map, value) in maps.iter().zip(operands) {
        let shape = value.ty().shape();
        for (result, size) in map.iter().zip(shape.dims) {
            if let (Some(d), Some(size)) = (result.as_dim(), size) {
                sizes[d] = Some(size as i64);
            }
        }
    }
    let sizes: Option<Vec<i64>> = sizes.into_iter().collect();
    sizes.ok_or_else(|| "the rounds of a loop are known at run time only".into())
}

/// Which loops are over output elements. All outputs must agree.
fn parallel(dims: usize, outputs: &[Vec<Linear>]) -> Result<Vec<bool>, String> {
    let of = |map: &Vec<Linear>| -> Option<Vec<bool>> {
        let mut parallel = vec![false; dims];
        for result in map {
            match result.as_dim() {
                Some(d) => parallel[d] = true,
                None if result.coefficients.iter().all(|c| *c == 0) => {}
                None => return None,
            }
        }
        Some(parallel)
    };
    let all: Option<Vec<Vec<bool>>> = outputs.iter().map(of).collect();
    match all.as_deref() {
        Some([first, rest @ ..]) if rest.iter().all(|other| other == first) => Ok(first.clone()),
        _ => Err(
            "no kernel has outputs of different loops, or places of an output that are sums".into(),
        ),
    }
}
