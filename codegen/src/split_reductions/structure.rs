//! What is known of a structured op that reduces.

use spec_dialect::ffi::{Block, Map, MapResult, Op, Shape, Value};

/// A structured op on buffers of static shape, with one output and at least one reduction dimension.
pub(super) struct Structure {
    pub(super) op: Op,
    /// Sizes of the loops.
    pub(super) sizes: Vec<u64>,
    /// Inputs, then the output.
    pub(super) operands: Vec<Operand>,
    /// What is done to an element; arguments as `operands`.
    pub(super) body: Block,
}

/// An input or the output.
pub(super) struct Operand {
    /// A buffer, or a scalar.
    pub(super) value: Value,
    pub(super) shape: Shape,
    pub(super) map: Map,
    /// Elements with neighbouring last indices are neighbours in memory, each in bytes of its own.
    dense: bool,
}

impl Operand {
    fn of(value: Value, map: Map) -> Option<Self> {
        let (ty, shape) = (value.ty(), value.ty().shape());
        if (shape.is_shaped && !ty.is_memref()) || map.results.len() != shape.dims.len() {
            return None;
        }
        let last = ty
            .strides()
            .and_then(|(strides, _)| strides.last().copied());
        let dense = last == Some(Some(1)) && shape.element.bits() % 8 == 0;
        Some(Self {
            value,
            shape,
            map,
            dense,
        })
    }

    /// Whether the index of loop `dim` is read or written.
    pub(super) fn uses(&self, dim: usize) -> bool {
        self.map.results.contains(&MapResult::Dim(dim))
    }

    /// Whether `dim` is the last index only, and goes through memory element by element.
    pub(super) fn is_contiguous(&self, dim: usize) -> bool {
        let Some((last, others)) = self.map.results.split_last() else {
            return false;
        };
        self.dense && *last == MapResult::Dim(dim) && !others.contains(last)
    }

    fn elements(&self) -> u64 {
        let sizes = self.shape.dims.iter().map(|d| d.unwrap_or(0));
        sizes.fold(1, u64::saturating_mul)
    }
}

impl Structure {
    /// `op` as a structure, if it is one.
    pub(super) fn of(op: Op) -> Option<Self> {
        let maps = op.indexing_maps()?;
        let [body] = op.region_blocks(0)[..] else {
            return None;
        };
        let values: Vec<Value> = op.operands().collect();
        let one_output = body.terminator()?.operands().len() == 1;
        if body.ops().iter().any(|o| o.region_count() > 0) {
            return None;
        }
        if maps.len() != values.len() || body.args().len() != values.len() || !one_output {
            return None;
        }
        let operands: Option<Vec<Operand>> = (values.into_iter().zip(maps))
            .map(|(value, map)| Operand::of(value, map))
            .collect();
        let operands = operands?;
        let found = Self {
            op,
            sizes: sizes(&operands)?,
            operands,
            body,
        };
        let plain = found.output().shape.is_shaped && found.output_is_injective();
        (plain && found.iterators_agree() && !found.reduced().is_empty()).then_some(found)
    }

    pub(super) fn output(&self) -> &Operand {
        &self.operands[self.operands.len() - 1]
    }

    pub(super) fn inputs(&self) -> &[Operand] {
        &self.operands[..self.operands.len() - 1]
    }

    /// Loops that the output does not see, outermost first.
    pub(super) fn reduced(&self) -> Vec<usize> {
        let all = 0..self.sizes.len();
        all.filter(|d| !self.output().uses(*d)).collect()
    }

    /// The loops of the output. Those of the largest input come first, so that it is read once.
    pub(super) fn parallel(&self) -> Vec<usize> {
        let largest = self.largest();
        let all = (0..self.sizes.len()).filter(|d| self.output().uses(*d));
        let (first, then): (Vec<_>, Vec<_>) =
            all.partition(|d| largest.is_some_and(|o| o.uses(*d)));
        [first, then].concat()
    }

    /// The first of the inputs with the most elements.
    pub(super) fn largest(&self) -> Option<&Operand> {
        self.inputs().iter().rev().max_by_key(|o| o.elements())
    }

    /// The loop that goes through the output element by element.
    pub(super) fn last_of_output(&self) -> Option<usize> {
        let all = 0..self.sizes.len();
        all.into_iter().find(|d| self.output().is_contiguous(*d))
    }

    /// Inputs that `dim` goes through element by element.
    pub(super) fn contiguous_inputs(&self, dim: usize) -> usize {
        let inputs = self.inputs().iter();
        inputs.filter(|o| o.is_contiguous(dim)).count()
    }

    /// No loop is used twice.
    fn output_is_injective(&self) -> bool {
        let results = &self.output().map.results;
        let used_once = |d| results.iter().filter(|r| **r == MapResult::Dim(d)).count() <= 1;
        (0..self.sizes.len()).all(used_once)
    }

    /// What the op says of its loops is what the output's map says.
    fn iterators_agree(&self) -> bool {
        let said = self.op.attr("iterator_types").and_then(|a| a.elements());
        said.is_none_or(|said| {
            said.iter().enumerate().all(|(dim, kind)| {
                let parallel = kind.to_string().contains("parallel");
                parallel == self.output().uses(dim)
            })
        })
    }
}

/// Sizes of the loops, if all are known, none is 0, and all indices are dimensions and constants.
fn sizes(operands: &[Operand]) -> Option<Vec<u64>> {
    let mut sizes = vec![None; operands.first()?.map.dims];
    for operand in operands {
        for (result, size) in operand.map.results.iter().zip(&operand.shape.dims) {
            let size = size.filter(|s| *s > 0)?;
            match result {
                MapResult::Dim(dim) => *sizes.get_mut(*dim)? = Some(size),
                MapResult::Const(c) => drop(u64::try_from(*c).ok().filter(|c| *c < size)?),
                MapResult::Other => return None,
            }
        }
    }
    sizes.into_iter().collect()
}

/// How the op adds an element to the output's.
#[derive(Clone, Copy)]
pub(super) struct Combiner {
    pub(super) op: Op,
    /// What is added: a value of the body.
    pub(super) added: Value,
    /// A sum; else a maximum or minimum, which may see a value twice.
    pub(super) is_sum: bool,
}

/// The combiner, if the reduction can be split: all of the body is known to work on vectors as it does on scalars.
pub(super) fn combiner(reduction: &Structure) -> Option<Combiner> {
    let body = reduction.body;
    let so_far = *body.args().last()?;
    let op = body.terminator()?.operand(0)?.def()?;
    let is_sum = op.name() == "arith.addf";
    let extremum = ["maximumf", "minimumf", "maxnumf", "minnumf"];
    let is_extremum = op
        .name()
        .strip_prefix("arith.")
        .is_some_and(|n| extremum.contains(&n));
    let [(user, at)] = so_far.uses()[..] else {
        return None;
    };
    let inside = op.block() == Some(body) && user == op;
    if !(is_sum || is_extremum) || !inside || op.results().next()?.uses().len() != 1 {
        return None;
    }
    let mut ops = body
        .ops()
        .into_iter()
        .filter(|o| Some(*o) != body.terminator());
    ops.all(is_elementwise).then_some(Combiner {
        op,
        added: op.operand(1 - at)?,
        is_sum,
    })
}

/// Functions of `math` that convert-math-to-llvm takes on vectors. (`erf` is left to convert-math-to-libm, which makes scalars of vectors
/// when convert-vector-to-llvm is through.)
const MATH: [&str; 17] = [
    "absf",
    "ceil",
    "cos",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "fma",
    "log",
    "log1p",
    "log2",
    "powf",
    "rsqrt",
    "sin",
    "sqrt",
    "tanh",
    "roundeven",
];

fn is_elementwise(op: Op) -> bool {
    let scalar = |v: Value| !v.ty().shape().is_shaped;
    let known = match op.name().split_once('.') {
        Some(("arith", name)) => !name.starts_with("scaling_"),
        Some(("math", name)) => MATH.contains(&name),
        _ => false,
    };
    known && op.region_count() == 0 && op.results().all(scalar) && op.operands().all(scalar)
}
