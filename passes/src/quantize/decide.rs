//! What becomes of each weight of a function.

use super::find::{Weight, weight};
use super::options::{Choice, Integer, Settings};
use spec_dialect::attrs::Model;
use spec_dialect::ffi::{Element, Op};

/// What a weight becomes.
#[derive(Clone, Debug)]
pub struct Change {
    /// The weight.
    pub weight: Weight,
    /// Its element type.
    pub from: Element,
    /// What it becomes.
    pub to: To,
}

/// A new form of a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// Floats of this type, laid out as before.
    Float(&'static str),
    /// Integers, rows first.
    Integer(Integer),
}

/// Why something is not as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The argument.
    pub argument: usize,
    /// A reason, the same for arguments in the same case.
    pub reason: String,
}

/// Decisions for a function.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By argument.
    pub changes: Vec<Change>,
    /// By argument.
    pub kept: Vec<Kept>,
    /// Number of arguments that are weights.
    pub weights: usize,
}

/// Decides for all arguments of a function; changes nothing.
pub fn decide(function: Op, choice: Choice, settings: &Settings) -> Plan {
    let mut plan = Plan::default();
    let Some(body) = function.body() else {
        return plan;
    };
    let model = function.attr("spec.model").and_then(Model::from_attr);
    let mut weights = vec![];
    for (argument, value) in body.args().into_iter().enumerate() {
        let mut keep = |reason: String| plan.kept.push(Kept { argument, reason });
        match weight(argument, value) {
            Ok(None) => {}
            Err(problem) => keep(format!("stay as they are: {problem}")),
            Ok(Some(_)) if !is_parameter(model.as_ref(), argument) => {
                keep("stay as they are: #spec.model does not list them as parameters".into());
            }
            Ok(Some(weight)) => weights.push(weight),
        }
    }
    plan.weights = weights.len();
    let vocabulary = vocabulary(model.as_ref(), &weights);
    for weight in weights {
        let wanted = own_choice(&weight, vocabulary, settings).unwrap_or(choice);
        let argument = weight.argument;
        let mut keep = |reason| plan.kept.push(Kept { argument, reason });
        if let Some(change) = change(weight, wanted, settings, &mut keep) {
            plan.changes.push(change);
        }
    }
    plan
}

fn is_parameter(model: Option<&Model>, argument: usize) -> bool {
    model.is_none_or(|m| m.parameter_args.contains(&(argument as i64)))
}

/// Size of the vocabulary, as the model has it or its tables.
fn vocabulary(model: Option<&Model>, weights: &[Weight]) -> Option<i64> {
    let table = || {
        let tables = weights
            .iter()
            .filter(|w| w.uses.iter().any(|u| u.is_embedding()));
        tables.map(|w| w.matrix.rows).max()
    };
    model.map(|m| m.vocabulary).or_else(table)
}

/// The format for a table or a head, if the options have one.
fn own_choice(weight: &Weight, vocabulary: Option<i64>, settings: &Settings) -> Option<Choice> {
    let is_table = weight.uses.iter().any(|u| u.is_embedding());
    let multiplies = weight.uses.iter().any(|u| !u.is_embedding());
    let is_head = multiplies && vocabulary == Some(weight.matrix.rows);
    let head = settings.head.filter(|_| is_head);
    head.or(settings.embedding.filter(|_| is_table))
}

fn change(
    weight: Weight,
    choice: Choice,
    settings: &Settings,
    keep: &mut impl FnMut(String),
) -> Option<Change> {
    let from = weight.value.ty().shape().element;
    let elements = weight.matrix.rows * weight.matrix.columns;
    let to = match choice {
        Choice::None => return None,
        _ if elements < settings.min_elements => {
            keep(format!(
                "stay {from}: their matrices have fewer than {} elements (option min-elements)",
                settings.min_elements
            ));
            return None;
        }
        Choice::Float(name) if from == Element::Float(32) => To::Float(name),
        Choice::Float(name) => {
            if from.to_string() != name {
                keep(format!("stay {from}: only f32 becomes {name}"));
            }
            return None;
        }
        Choice::Integer(wanted) => {
            let found = fitting(wanted, weight.matrix.columns);
            if found != wanted {
                keep(format!(
                    "become {found}: groups of {} do not divide {} columns",
                    wanted.group, weight.matrix.columns
                ));
            }
            To::Integer(found)
        }
    };
    Some(Change { weight, from, to })
}

/// The format as asked for, or the nearest whose groups divide the columns.
fn fitting(wanted: Integer, columns: i64) -> Integer {
    let divides = |group: &i64| *group <= wanted.group && columns % group == 0;
    match [64, 32].into_iter().find(divides) {
        Some(group) => Integer { group, ..wanted },
        None => Integer { bits: 8, group: 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_do_not_divide_give_way() {
        let of = |bits, group, columns| {
            let found = fitting(Integer { bits, group }, columns);
            (found.bits, found.group)
        };
        assert_eq!(of(4, 64, 576), (4, 64));
        assert_eq!(of(4, 64, 96), (4, 32));
        assert_eq!(of(8, 64, 96), (8, 32));
        assert_eq!(of(4, 32, 48), (8, 0));
        assert_eq!(of(8, 32, 50), (8, 0));
        assert_eq!(of(8, 0, 64), (8, 0));
    }
}
