//! The weights of a bundle, each once, under names that tell them apart.

use crate::error::CompileError;
use crate::interface::Interface;
use spec_runtime::manifest::{Argument, ArgumentKind, DType, Function, QuantFormat, Role, Weight};
use std::collections::HashMap;

/// Before the name of a drafter's weight, where the target has another of that name; the tensor is NAME in the drafter's files.
const DRAFTER: &str = "drafter:";

/// What makes two weights of one name the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    dtype: DType,
    shape: Vec<u64>,
    layout: Option<String>,
    /// Of integers: format, weights that share a scale, type of scales.
    quantised: Option<(QuantFormat, u32, Option<DType>)>,
}

fn form(function: &Function, argument: &Argument) -> Form {
    let scales = |i: usize| function.arguments.get(i).map(|a| a.dtype);
    Form {
        dtype: argument.dtype,
        shape: argument.shape.clone(),
        layout: argument.layout.clone(),
        quantised: (argument.quantised_from.as_ref())
            .map(|q| (q.format, q.group, scales(q.scale_argument))),
    }
}

/// The weights of all functions, each once; names in `functions` become unique. Functions share a weight if name and form agree. Where
/// only the names do, that of a drafter's weight gets `drafter:` in front, and a made-up name is replaced.
///
/// # Errors
/// Two weights of one model have the same given name, and differ.
pub fn weights(
    functions: &mut [Function],
    interfaces: &[Interface],
) -> Result<Vec<Weight>, CompileError> {
    let mut all: Vec<Weight> = vec![];
    let mut forms: HashMap<String, Form> = HashMap::new();
    // the target's names stay
    let (drafters, others): (Vec<usize>, Vec<usize>) =
        (0..functions.len()).partition(|f| functions[*f].role == Role::Drafter);
    for index in others.into_iter().chain(drafters) {
        let (Some(function), Some(interface)) = (functions.get_mut(index), interfaces.get(index))
        else {
            continue;
        };
        for i in 0..function.arguments.len() {
            if is_scale(function, i) || function.arguments[i].kind != ArgumentKind::Weight {
                continue;
            }
            let made_up = interface.arguments.get(i).is_none_or(|p| p.made_up);
            let name = name(function, i, made_up, &forms)?;
            add(function, i, name.clone(), &mut all, &mut forms);
            let scale = function.arguments[i].quantised_from.as_ref();
            if let Some(scale) = scale.map(|q| q.scale_argument) {
                let name = free_scale(function, scale, &name, &forms);
                add(function, scale, name, &mut all, &mut forms);
            }
        }
    }
    Ok(all)
}

fn is_scale(function: &Function, i: usize) -> bool {
    let mut quantised = function
        .arguments
        .iter()
        .filter_map(|a| a.quantised_from.as_ref());
    quantised.any(|q| q.scale_argument == i)
}

/// The name of weight `i`: its own, or one that is free or of the same form.
fn name(
    function: &Function,
    i: usize,
    made_up: bool,
    forms: &HashMap<String, Form>,
) -> Result<String, CompileError> {
    let form = form(function, &function.arguments[i]);
    let fits = |name: &String| forms.get(name).is_none_or(|f| *f == form);
    let symbol = function.symbol.as_ref().unwrap_or(&function.name);
    let numbered = format!("{symbol}.{i}");
    let Some(own) = function.arguments[i].name.clone() else {
        return Ok(numbered);
    };
    if fits(&own) {
        return Ok(own);
    }
    let other = format!("{DRAFTER}{own}");
    if made_up {
        Ok(numbered)
    } else if function.role == Role::Drafter && !own.starts_with(DRAFTER) && fits(&other) {
        Ok(other)
    } else {
        Err(CompileError::Refused(format!(
            "two weights are named '{own}' and differ in type: name the arguments of each function with --argument-names FUNCTION=FILE"
        )))
    }
}

/// The name of the scales of `weight`: NAME.scale, unless a weight that is no scale of it has that name.
fn free_scale(
    function: &Function,
    scale: usize,
    weight: &str,
    forms: &HashMap<String, Form>,
) -> String {
    let form = form(function, &function.arguments[scale]);
    let fits = |name: &String| forms.get(name).is_none_or(|f| *f == form);
    let base = format!("{weight}.scale");
    let numbered = (2..).map(|n| format!("{base}.{n}"));
    std::iter::once(base.clone())
        .chain(numbered)
        .find(fits)
        .unwrap_or(base)
}

fn add(
    function: &mut Function,
    i: usize,
    name: String,
    all: &mut Vec<Weight>,
    forms: &mut HashMap<String, Form>,
) {
    let form = form(function, &function.arguments[i]);
    let argument = &mut function.arguments[i];
    argument.name = Some(name.clone());
    if forms.insert(name.clone(), form).is_none() {
        all.push(Weight {
            name,
            dtype: argument.dtype,
            shape: argument.shape.clone(),
            layout: argument.layout.clone(),
        });
    }
}
