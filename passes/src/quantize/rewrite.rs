//! Writes the decisions of a function into it.

use super::RECORD;
use super::decide::{Change, To};
use super::find::{Offset, Use};
use super::options::{Integer, Settings};
use crate::raise::build::Builder;
use spec_dialect::attrs::Model;
use spec_dialect::ffi::{Attr, Ctx, Op, Type, Value, build_op};
use spec_dialect::pass::Diagnostics;
use std::collections::{HashMap, HashSet};

/// Bytes of the weights that changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// How many.
    pub weights: usize,
    /// Before.
    pub before: u64,
    /// Now, with scales.
    pub after: u64,
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            weights,
            before,
            after,
        } = self;
        write!(f, "{weights} weights, {before} bytes become {after}")
    }
}

/// An argument of the new function that replaces an old one.
struct New {
    /// The weight.
    value: Value,
    /// Its scales: value and index.
    scale: Option<(Value, usize)>,
}

/// Rewrites a function.
///
/// # Errors
/// MLIR refuses an op that it should take: a fault of this pass.
pub fn apply(function: Op, changes: &[Change], settings: &Settings) -> Result<Sizes, Diagnostics> {
    if changes.is_empty() {
        return Ok(Sizes::default());
    }
    rewrite(function, changes, settings).ok_or_else(|| {
        Diagnostics::at(
            function.loc(),
            "spec-quantize: internal error, please report it with the input: an op was refused",
        )
    })
}

fn rewrite(function: Op, changes: &[Change], settings: &Settings) -> Option<Sizes> {
    let new = arguments(function, changes, settings)?;
    for (change, new) in changes.iter().zip(&new) {
        match change.to {
            To::Float(element) => convert(change, new.value, element)?,
            To::Integer(format) => {
                let (scale, _) = new.scale?;
                for user in &change.weight.uses {
                    quantise(user, change, new.value, scale, format, settings.int8)?;
                }
            }
        }
    }
    let mut gone = HashSet::new();
    for change in changes {
        let views = change.weight.views.iter().rev();
        for op in change.weight.dead.iter().chain(views) {
            if gone.insert(*op) {
                op.erase();
            }
        }
    }
    finish(function, changes, &new)
}

/// Gives the function its new arguments, behind the old ones.
fn arguments(function: Op, changes: &[Change], settings: &Settings) -> Option<Vec<New>> {
    let body = function.body()?;
    let ctx = function.ctx();
    let old = body.args();
    let by_argument: HashMap<usize, &Change> =
        changes.iter().map(|c| (c.weight.argument, c)).collect();
    let mut found = vec![];
    for (i, value) in old.iter().enumerate() {
        let change = by_argument.get(&i);
        let ty = match change {
            Some(change) => weight_type(ctx, change)?,
            None => value.ty(),
        };
        let replacement = body.add_arg(ty, value.loc());
        match change {
            Some(_) => found.push(New {
                value: replacement,
                scale: None,
            }),
            None => value.replace_all_uses(replacement),
        }
    }
    let mut next = old.len();
    for (change, new) in changes.iter().zip(&mut found) {
        if let To::Integer(format) = change.to {
            let sizes = [&change.weight.matrix.stack[..], &scales(change, format)].concat();
            let ty = tensor(ctx, &sizes, settings.scales)?;
            new.scale = Some((body.add_arg(ty, change.weight.value.loc()), next));
            next += 1;
        }
    }
    Some(found)
}

fn tensor(ctx: Ctx, sizes: &[i64], element: &str) -> Option<Type> {
    let dims: String = sizes.iter().map(|d| format!("{d}x")).collect();
    Type::parse(ctx, &format!("tensor<{dims}{element}>"))
}

/// Sizes of a matrix as it is stored.
fn stored(change: &Change, format: Integer) -> [i64; 2] {
    let matrix = &change.weight.matrix;
    let columns = matrix.columns * i64::from(format.bits) / 8;
    [matrix.rows, columns]
}

/// Sizes of the scales of a matrix.
fn scales(change: &Change, format: Integer) -> Vec<i64> {
    let matrix = &change.weight.matrix;
    match format.group {
        0 => vec![matrix.rows],
        group => vec![matrix.rows, matrix.columns / group],
    }
}

fn weight_type(ctx: Ctx, change: &Change) -> Option<Type> {
    match change.to {
        To::Float(element) => tensor(ctx, &change.weight.shape, element),
        To::Integer(format) => {
            let sizes = [&change.weight.matrix.stack[..], &stored(change, format)].concat();
            tensor(ctx, &sizes, "i8")
        }
    }
}

/// Makes views and uses take another type of float.
fn convert(change: &Change, new: Value, element: &str) -> Option<()> {
    let mut values = HashMap::from([(change.weight.value, new)]);
    for view in &change.weight.views {
        let mut operands: Vec<Value> = view.operands().collect();
        operands[0] = *values.get(&operands[0])?;
        let old = view.results().next()?;
        let dims: Option<Vec<i64>> = old
            .ty()
            .shape()
            .dims
            .iter()
            .map(|d| Some((*d)? as i64))
            .collect();
        let ty = tensor(view.ctx(), &dims?, element)?;
        let op = build_op(
            view.name(),
            view.loc(),
            &operands,
            &[ty],
            &view.attrs(),
            &[],
        )?;
        view.insert_before(op);
        values.insert(old, op.results().next()?);
    }
    for user in &change.weight.uses {
        let weight = values.get(&user.op.operand(1)?)?;
        user.op.set_operand(1, *weight);
    }
    Some(())
}

/// Replaces an op by one that reads integers.
fn quantise(
    user: &Use,
    change: &Change,
    weight: Value,
    scale: Value,
    format: Integer,
    int8: bool,
) -> Option<()> {
    let op = user.op;
    let b = Builder { before: op };
    let ctx = op.ctx();
    let weight = matrix_of(b, weight, &user.place, &stored(change, format))?;
    let scale = matrix_of(b, scale, &user.place, &scales(change, format))?;
    let mut attrs = vec![
        ("format", b.choice("format", &format!("i{}", format.bits))?),
        ("group", Attr::i64(ctx, format.group)),
    ];
    let operands: Vec<Value> = op.operands().collect();
    let (first, rest) = operands.split_first()?;
    let all = [&[*first, weight, scale], rest.get(1..)?].concat();
    if !user.is_embedding() {
        let activations = if int8 { "int8" } else { "float" };
        attrs.push(("layout", b.choice("layout", "out_in")?));
        attrs.push(("activations", b.choice("activations", activations)?));
        let segments = format!("array<i32: 1, 1, 1, {}, 1>", all.len() - 4);
        attrs.push(("operandSegmentSizes", Attr::parse(ctx, &segments)?));
    }
    for (name, value) in op.attrs() {
        if attrs.iter().all(|(own, _)| *own != name) {
            attrs.push((name, value));
        }
    }
    let old = op.results().next()?;
    let result = b.op(op.name(), &all, &[old.ty()], &attrs)?;
    old.replace_all_uses(result);
    op.erase();
    Some(())
}

/// One matrix (or vector) of a stack.
fn matrix_of(b: Builder, stack: Value, place: &[Offset], sizes: &[i64]) -> Option<Value> {
    if place.is_empty() {
        return Some(stack);
    }
    let ctx = b.ctx();
    let mut operands = vec![stack];
    let mut offsets = vec![];
    for offset in place {
        match offset {
            Offset::Fixed(at) => offsets.push(*at),
            Offset::Value(value) => {
                operands.push(*value);
                offsets.push(i64::MIN);
            }
        }
    }
    offsets.resize(place.len() + sizes.len(), 0);
    let extents = [&vec![1; place.len()], sizes].concat();
    let segments = format!("array<i32: 1, {}, 0, 0>", operands.len() - 1);
    let attrs = [
        ("static_offsets", Attr::i64_array(ctx, &offsets)),
        ("static_sizes", Attr::i64_array(ctx, &extents)),
        (
            "static_strides",
            Attr::i64_array(ctx, &vec![1; extents.len()]),
        ),
        ("operandSegmentSizes", Attr::parse(ctx, &segments)?),
    ];
    let ty = tensor(ctx, sizes, &stack.ty().shape().element.to_string())?;
    b.op("tensor.extract_slice", &operands, &[ty], &attrs)
}

/// Removes the old arguments and brings type and attributes of the function up to date.
fn finish(function: Op, changes: &[Change], new: &[New]) -> Option<Sizes> {
    let ctx = function.ctx();
    let body = function.body()?;
    let (inputs, results) = function.attr("function_type")?.as_type()?.function()?;
    let bytes = |t: Type| {
        let shape = t.shape();
        let elements: u64 = shape.dims.iter().map(|d| d.unwrap_or(0)).product();
        elements * shape.element.bits() / 8
    };
    let mut sizes = Sizes {
        weights: changes.len(),
        ..Sizes::default()
    };
    for (change, new) in changes.iter().zip(new) {
        sizes.before += bytes(change.weight.value.ty());
        sizes.after += bytes(new.value.ty()) + new.scale.map_or(0, |(v, _)| bytes(v.ty()));
    }
    for _ in 0..inputs.len() {
        body.erase_arg(0);
    }
    let types: Vec<Type> = body.args().into_iter().map(Value::ty).collect();
    let ty = Type::function_of(ctx, &types, &results);
    function.set_attr("function_type", Attr::of_type(ty));
    argument_attributes(function, changes, types.len());
    function.set_attr(RECORD, record(ctx, changes, new)?);
    if let Some(model) = function.attr("spec.model").and_then(Model::from_attr) {
        let model = updated(model, &types, changes, new, sizes);
        function.set_attr("spec.model", model.to_attr(ctx)?);
    }
    Some(sizes)
}

/// New arguments have no attributes; bounds of another shape go.
fn argument_attributes(function: Op, changes: &[Change], arguments: usize) {
    let ctx = function.ctx();
    let Some(mut all) = function.attr("arg_attrs").and_then(Attr::elements) else {
        return;
    };
    for change in changes.iter().filter(|c| matches!(c.to, To::Integer(_))) {
        if let Some(attrs) = all.get_mut(change.weight.argument) {
            let mut entries = attrs.entries().unwrap_or_default();
            entries.retain(|(name, _)| *name != "spec.bounds");
            *attrs = Attr::dictionary(ctx, &entries);
        }
    }
    all.resize(arguments, Attr::dictionary(ctx, &[]));
    function.set_attr("arg_attrs", Attr::array(ctx, &all));
}

/// How the data of each changed argument are made.
fn record(ctx: Ctx, changes: &[Change], new: &[New]) -> Option<Attr> {
    let entry = |(change, new): (&Change, &New)| {
        let matrix = &change.weight.matrix;
        let from = Type::parse(ctx, &change.from.to_string())?;
        let format = match change.to {
            To::Float(name) => name.to_owned(),
            To::Integer(format) => format!("i{}", format.bits),
        };
        let mut entries = vec![
            ("argument", Attr::i64(ctx, change.weight.argument as i64)),
            ("format", Attr::string(ctx, &format)),
            ("from", Attr::of_type(from)),
            ("shape", Attr::i64_array(ctx, &change.weight.shape)),
        ];
        if let (To::Integer(format), Some((_, scale))) = (change.to, new.scale) {
            entries.extend([
                ("scale", Attr::i64(ctx, scale as i64)),
                ("group", Attr::i64(ctx, format.group)),
                ("rows", Attr::i64(ctx, matrix.rows)),
                ("columns", Attr::i64(ctx, matrix.columns)),
                (
                    "transposed",
                    Attr::parse(ctx, &matrix.transposed.to_string())?,
                ),
            ]);
        }
        Some(Attr::dictionary(ctx, &entries))
    };
    let entries: Option<Vec<Attr>> = changes.iter().zip(new).map(entry).collect();
    Some(Attr::array(ctx, &entries?))
}

/// The model with its new parameters: scales are parameters too, but are not counted as such.
fn updated(
    mut model: Model,
    types: &[Type],
    changes: &[Change],
    new: &[New],
    sizes: Sizes,
) -> Model {
    let by_argument: HashMap<i64, &Change> = changes
        .iter()
        .map(|c| (c.weight.argument as i64, c))
        .collect();
    let mut by_type: Vec<(String, i64)> = vec![];
    for argument in &model.parameter_args {
        let change = by_argument.get(argument);
        let shape = usize::try_from(*argument)
            .ok()
            .and_then(|i| types.get(i))
            .map(|t| t.shape());
        let (name, elements) = match (change, shape) {
            (Some(c), _) => {
                let name = match c.to {
                    To::Float(name) => name.to_owned(),
                    To::Integer(format) => format!("i{}", format.bits),
                };
                (name, c.weight.shape.iter().product())
            }
            (None, Some(shape)) => {
                let dims = shape.dims.iter().map(|d| d.unwrap_or(0) as i64);
                (shape.element.to_string(), dims.product())
            }
            (None, None) => continue,
        };
        match by_type.iter_mut().find(|(n, _)| *n == name) {
            Some((_, n)) => *n += elements,
            None => by_type.push((name, elements)),
        }
    }
    if let Some((name, _)) = by_type.into_iter().max_by_key(|(_, n)| *n) {
        model.dtype = name;
    }
    let scales = new.iter().filter_map(|n| Some(n.scale?.1 as i64));
    model.parameter_args.extend(scales);
    model.bytes += sizes.after as i64 - sizes.before as i64;
    model
}
