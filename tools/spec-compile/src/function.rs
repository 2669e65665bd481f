//! From a prepared entry to its place in the manifest.

use crate::error::CompileError;
use crate::interface::Interface;
use spec_dialect::attrs::Role;
use spec_dialect::ffi::{Attr, Element, Op, Type, Value};
use spec_runtime::manifest::{
    self, Argument, ArgumentKind, DType, Function, FunctionResult, QuantFormat, QuantisedFrom,
};

/// What a prepared module holds, by the attributes that the pipeline leaves on entries.
#[derive(Debug)]
pub struct Prepared {
    /// Types of all arguments that a caller gives: the model's, own results.
    types: Vec<Type>,
    /// For each result, the argument that holds it.
    results: Vec<usize>,
    workspace: u64,
    quantised: Vec<Quantised>,
}

/// An argument that `spec-quantize` changed: an entry of its record.
#[derive(Debug)]
struct Quantised {
    argument: usize,
    from: QuantisedFrom,
    transposed: bool,
}

impl Quantised {
    /// Reads an entry; `None` for weights that became shorter floats.
    fn read(entry: Attr) -> Option<Self> {
        let number = |name: &str| entry.entry(name)?.as_i64();
        let index = |name: &str| usize::try_from(number(name)?).ok();
        let from = entry.entry("from")?.as_type()?.shape();
        let shape = entry.entry("shape")?.as_i64_array()?;
        let shape: Option<Vec<u64>> = shape.into_iter().map(|d| d.try_into().ok()).collect();
        Some(Quantised {
            argument: index("argument")?,
            transposed: entry.entry("transposed")?.to_string() == "true",
            from: QuantisedFrom {
                dtype: dtype(from.element)?,
                shape: shape?,
                format: match entry.entry("format")?.as_str()? {
                    "i8" => QuantFormat::I8,
                    "i4" => QuantFormat::I4,
                    _ => return None,
                },
                group: number("group")?.try_into().ok()?,
                scale_argument: index("scale")?,
            },
        })
    }
}

impl Prepared {
    /// Reads an entry between `prepare` and `lower`.
    ///
    /// # Errors
    /// The pipeline left no attribute: our bug.
    pub fn read(entry: Op) -> Result<Self, CompileError> {
        let name = entry.symbol().unwrap_or_default();
        let lost = || CompileError::Internal(format!("@{name} has no plan of its memory"));
        let number = |v: i64| usize::try_from(v).ok();
        let results = entry.attr("result_arguments").and_then(Attr::as_i64_array);
        let results: Option<Vec<usize>> =
            results.ok_or_else(lost)?.into_iter().map(number).collect();
        let workspace = entry
            .attr("workspace_bytes")
            .and_then(Attr::as_i64)
            .ok_or_else(lost)?;
        let quantised = entry
            .attr(spec_passes::quantize::RECORD)
            .and_then(Attr::elements);
        let args = entry.body().map(|b| b.args()).ok_or_else(lost)?;
        // the status of a GPU's function, then the workspace, are not the caller's
        let status = entry.attr("status_argument").and_then(Attr::as_i64);
        let hidden = status
            .and_then(number)
            .unwrap_or(args.len().saturating_sub(1));
        Ok(Prepared {
            types: args.into_iter().take(hidden).map(Value::ty).collect(),
            results: results.ok_or_else(lost)?,
            workspace: u64::try_from(workspace).map_err(|_| lost())?,
            quantised: quantised
                .into_iter()
                .flatten()
                .filter_map(Quantised::read)
                .collect(),
        })
    }

    /// Number of the model's own arguments: the results that are not among them follow, in order.
    fn own_arguments(&self, expected: usize) -> usize {
        let own = self.results.iter().filter(|r| **r >= expected).count();
        self.types.len().saturating_sub(own)
    }
}

/// A function as the manifest describes it, without its code.
///
/// # Errors
/// A type that a C caller cannot pass.
pub fn describe(interface: &Interface, prepared: &Prepared) -> Result<Function, CompileError> {
    let count = prepared.own_arguments(interface.arguments.len());
    let mut arguments = vec![];
    for (i, ty) in prepared.types[..count].iter().enumerate() {
        let (dtype, shape) = plain(*ty, &interface.name)?;
        let purpose = interface.arguments.get(i);
        arguments.push(Argument {
            name: purpose.and_then(|p| p.name.clone()),
            kind: purpose.map_or(ArgumentKind::Other, |p| p.kind),
            dtype,
            shape,
            layout: None,
            updated_in_place: prepared.results.contains(&i),
            quantised_from: None,
        });
    }
    for q in &prepared.quantised {
        mark_quantised(&mut arguments, q);
    }
    let mut results = vec![];
    for (i, argument) in prepared.results.iter().enumerate() {
        let ty = prepared.types.get(*argument).copied();
        let ty = ty.ok_or_else(|| {
            CompileError::Internal(format!("@{}: a result without a place", interface.name))
        })?;
        let (dtype, shape) = plain(ty, &interface.name)?;
        results.push(FunctionResult {
            kind: interface.results.get(i).copied().flatten(),
            dtype,
            shape,
            aliases_argument: (*argument < count).then_some(*argument),
        });
    }
    Ok(Function {
        name: interface.name.clone(),
        symbol: None,
        role: role(interface.role),
        tokens: interface.tokens,
        workspace_bytes: prepared.workspace,
        arguments,
        results,
        gpu: None,
    })
}

/// A quantised weight, and the argument with its scales, which is a weight too.
fn mark_quantised(arguments: &mut [Argument], q: &Quantised) {
    let Some(weight) = arguments.get_mut(q.argument) else {
        return;
    };
    weight.quantised_from = Some(q.from.clone());
    weight.layout = q.transposed.then(|| "transposed".to_owned());
    let name = weight.name.clone();
    let kind = weight.kind;
    if let Some(scale) = arguments.get_mut(q.from.scale_argument) {
        scale.name = name.map(|n| format!("{n}.scale"));
        scale.kind = kind;
    }
}

/// A role as the manifest spells it.
pub fn role(role: Option<Role>) -> manifest::Role {
    match role {
        Some(Role::Drafter) => manifest::Role::Drafter,
        Some(Role::Target) => manifest::Role::Target,
        None => manifest::Role::None,
    }
}

fn dtype(element: Element) -> Option<DType> {
    match element {
        Element::Float(64) => Some(DType::F64),
        Element::Float(32) => Some(DType::F32),
        Element::Float(16) => Some(DType::F16),
        Element::BFloat16 => Some(DType::Bf16),
        Element::Int(64) | Element::Index => Some(DType::I64),
        Element::Int(32) => Some(DType::I32),
        Element::Int(16) => Some(DType::I16),
        Element::Int(8) => Some(DType::I8),
        Element::Int(1) => Some(DType::I1),
        _ => None,
    }
}

fn plain(ty: Type, function: &str) -> Result<(DType, Vec<u64>), CompileError> {
    let shape = ty.shape();
    let dtype = dtype(shape.element);
    let dims: Option<Vec<u64>> = shape.dims.into_iter().collect();
    match (dtype, dims) {
        (Some(dtype), Some(dims)) => Ok((dtype, dims)),
        _ => Err(CompileError::Refused(format!(
            "@{function}: {ty} cannot be passed to compiled code: element types must be f16, bf16, f32, f64 or integers of 1 to 64 bits, and sizes static"
        ))),
    }
}
