//! Which arguments are weights, and who reads them how.

use spec_dialect::ffi::{Op, Value};

/// A place along a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Known.
    Fixed(i64),
    /// An index.
    Value(Value),
}

/// One op that reads a weight.
#[derive(Clone, Debug)]
pub struct Use {
    /// `spec.linear` or `spec.embedding`; the weight is its operand 1.
    pub op: Op,
    /// Which matrix of the stack, by the leading dimensions of the argument.
    pub place: Vec<Offset>,
}

impl Use {
    /// True for embeddings.
    pub fn is_embedding(&self) -> bool {
        self.op.name() == "spec.embedding"
    }
}

/// What a matrix is like; the same for all uses of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// Leading dimensions of the argument, which say which matrix of a stack.
    pub stack: Vec<i64>,
    /// Outputs of a product, entries of a table.
    pub rows: i64,
    /// Inputs of a product, width of a table.
    pub columns: i64,
    /// True if columns come first in memory.
    pub transposed: bool,
}

/// An argument that is a weight.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Index of the argument.
    pub argument: usize,
    /// The argument.
    pub value: Value,
    /// Its sizes.
    pub shape: Vec<i64>,
    /// What each matrix is like.
    pub matrix: Matrix,
    /// Who reads it.
    pub uses: Vec<Use>,
    /// Slices, casts and reshapes on the way, those before others first.
    pub views: Vec<Op>,
    /// Ops without effect that read it, users first.
    pub dead: Vec<Op>,
}

/// A value on the way from an argument to an op.
#[derive(Clone)]
struct View {
    place: Vec<Offset>,
    /// Dimensions of the argument behind those of `place`.
    rest: Vec<i64>,
    /// Sizes of the value.
    shape: Vec<i64>,
}

/// What was found on the way.
struct Walk {
    argument: Vec<i64>,
    uses: Vec<(Use, Matrix)>,
    views: Vec<Op>,
    dead: Vec<Op>,
    problem: Option<String>,
}

fn sizes(value: Value) -> Option<Vec<i64>> {
    let shape = value.ty().shape();
    let dims = shape.dims.iter();
    shape
        .is_shaped
        .then(|| dims.map(|d| i64::try_from((*d)?).ok()).collect())?
}

/// The argument as a weight; nothing if no op reads it as one.
///
/// # Errors
/// Why it must stay, though some op reads it as one.
pub fn weight(argument: usize, value: Value) -> Result<Option<Weight>, String> {
    let Some(shape) = sizes(value) else {
        return Ok(None);
    };
    let mut walk = Walk {
        argument: shape.clone(),
        uses: vec![],
        views: vec![],
        dead: vec![],
        problem: None,
    };
    let view = View {
        place: vec![],
        rest: shape.clone(),
        shape: shape.clone(),
    };
    walk.follow(value, &view);
    let Some((_, matrix)) = walk.uses.first() else {
        return Ok(None);
    };
    if let Some(problem) = walk.problem {
        return Err(problem);
    }
    if walk.uses.iter().any(|(_, m)| m != matrix) {
        return Err("ops read it as matrices of different shapes".into());
    }
    Ok(Some(Weight {
        argument,
        value,
        shape,
        matrix: matrix.clone(),
        uses: walk.uses.into_iter().map(|(u, _)| u).collect(),
        views: walk.views,
        dead: walk.dead,
    }))
}

impl Walk {
    fn follow(&mut self, value: Value, view: &View) {
        for (op, operand) in value.uses() {
            let next = match (op.name(), operand) {
                ("spec.linear" | "spec.embedding", 1) => self.read(op, view),
                ("tensor.cast" | "tensor.collapse_shape" | "tensor.expand_shape", 0) => {
                    reshaped(op, view)
                }
                ("tensor.extract_slice", 0) => cut(op, view),
                (name, _) => Err(format!("{name} reads it too")),
            };
            match next {
                Ok(Some((result, view))) => {
                    self.views.push(op);
                    self.follow(result, &view);
                }
                Ok(None) => {}
                Err(_) if is_dead(op) => collect_dead(op, &mut self.dead),
                Err(problem) => _ = self.problem.get_or_insert(problem),
            }
        }
    }

    /// An op that reads a weight.
    fn read(&mut self, op: Op, view: &View) -> Result<Option<(Value, View)>, String> {
        let is = |name: &str, case: &str| {
            let attr = op.attr(name).map(|a| a.to_string());
            attr.is_some_and(|a| a.trim_end_matches('>').ends_with(&format!(" {case}")))
        };
        if !is("format", "dense") {
            return Err(format!("{} reads it as integers", op.name()));
        }
        let [first, second] = view.shape[..] else {
            return Err(format!("{} does not read a matrix", op.name()));
        };
        let transposed = is("layout", "in_out");
        let (rows, columns) = if transposed {
            (second, first)
        } else {
            (first, second)
        };
        let matrix = Matrix {
            stack: self.argument[..view.place.len()].to_vec(),
            rows,
            columns,
            transposed,
        };
        let place = view.place.clone();
        self.uses.push((Use { op, place }, matrix));
        Ok(None)
    }
}

/// True if nothing depends on the op; a terminator has no results, but is needed.
fn is_dead(op: Op) -> bool {
    let unused = |v: Value| v.uses().iter().all(|(user, _)| is_dead(*user));
    op.results().len() > 0 && op.is_pure() && op.results().all(unused)
}

fn collect_dead(op: Op, out: &mut Vec<Op>) {
    for (user, _) in op.results().flat_map(Value::uses) {
        collect_dead(user, out);
    }
    if !out.contains(&op) {
        out.push(op);
    }
}

/// A cast or a reshape: the same elements in the same order.
fn reshaped(op: Op, view: &View) -> Result<Option<(Value, View)>, String> {
    let result = op.results().next();
    let Some((result, shape)) = result.and_then(|r| Some((r, sizes(r)?))) else {
        return Err(format!("{} makes its shape dynamic", op.name()));
    };
    let view = View {
        shape,
        ..view.clone()
    };
    Ok(Some((result, view)))
}

/// A slice: one of the leading dimension or dimensions, all of the others.
fn cut(op: Op, view: &View) -> Result<Option<(Value, View)>, String> {
    let parts = || "it is read in parts that are not whole matrices".to_owned();
    let list = |name: &str| op.attr(name).and_then(|a| a.as_i64_array());
    let (Some(offsets), Some(extents), Some(strides)) = (
        list("static_offsets"),
        list("static_sizes"),
        list("static_strides"),
    ) else {
        return Err(parts());
    };
    let mut dynamic = op.operands().skip(1);
    let View {
        mut place,
        mut rest,
        shape,
    } = view.clone();
    let mut leading = true;
    for (d, size) in shape.iter().enumerate() {
        let offset = match offsets[d] {
            i64::MIN => Offset::Value(dynamic.next().ok_or_else(parts)?),
            fixed => Offset::Fixed(fixed),
        };
        if extents[d] == *size && (strides[d] == 1 || *size == 1) {
            leading &= *size == 1;
            continue;
        }
        while rest.first() == Some(&1) {
            place.push(Offset::Fixed(0));
            rest.remove(0);
        }
        if !leading || extents[d] != 1 || rest.first() != Some(size) {
            return Err(parts());
        }
        place.push(offset);
        rest.remove(0);
    }
    let Some((result, shape)) = op.results().next().and_then(|r| Some((r, sizes(r)?))) else {
        return Err(parts());
    };
    Ok(Some((result, View { place, rest, shape })))
}
