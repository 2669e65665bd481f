//! What the arguments of an entry function are for. Known of a model function by its `#spec.model`; of a function around one by
//! where its arguments go.

use crate::names::Names;
use spec_dialect::attrs::{Model, Role};
use spec_dialect::ffi::{Attr, Op, Value};
use spec_runtime::manifest::{ArgumentKind, ResultKind};
use std::collections::HashSet;

/// Most ops between a function's argument and the model function's.
const HOPS: usize = 8;

/// What is known of an entry before it is lowered.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Name in the model.
    pub name: String,
    /// Role of the model.
    pub role: Option<Role>,
    /// Tokens of a call.
    pub tokens: u32,
    /// One an argument.
    pub arguments: Vec<Purpose>,
    /// Logits, tokens or caches, by result, where known.
    pub results: Vec<Option<ResultKind>>,
}

/// What an argument is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Kind.
    pub kind: ArgumentKind,
    /// Name, given by the user or the exporter; weights always have one.
    pub name: Option<String>,
    /// Whether the name is made up from an index.
    pub made_up: bool,
}

const OTHER: Purpose = Purpose {
    kind: ArgumentKind::Other,
    name: None,
    made_up: false,
};

/// The interface of `entry`; `role` is that of its region.
pub fn interface(entry: Op, role: Option<Role>, names: &Names) -> Interface {
    let args = entry.body().map(|b| b.args()).unwrap_or_default();
    let model = model_of(entry);
    let arguments: Vec<Purpose> = (args.iter().enumerate())
        .map(|(i, arg)| match &model {
            Some(m) => purpose(entry, m, i, args.len(), names),
            None => destination(*arg, entry, names)
                .unwrap_or_else(|| plain(entry, i, args.len(), names)),
        })
        .collect();
    let tokens = match &model {
        Some(m) => u32::try_from(m.tokens).unwrap_or(1),
        None => tokens_of(&args, &arguments),
    };
    let count = result_count(entry);
    let inner = args.iter().find_map(|a| callee_model(*a, entry));
    Interface {
        name: entry.symbol().unwrap_or_default().to_owned(),
        role: model.as_ref().or(inner.as_ref()).map(|m| m.role).or(role),
        tokens: tokens.max(1),
        arguments,
        results: (0..count)
            .map(|i| model.as_ref().and_then(|m| result_kind(m, i)))
            .collect(),
    }
}

fn model_of(function: Op) -> Option<Model> {
    function.attr("spec.model").and_then(Model::from_attr)
}

fn result_count(entry: Op) -> usize {
    let ty = entry.attr("function_type").and_then(Attr::as_type);
    ty.and_then(|t| t.function())
        .map_or(0, |(_, results)| results.len())
}

fn result_kind(model: &Model, i: usize) -> Option<ResultKind> {
    let i = i64::try_from(i).ok()?;
    let lists = [
        (&model.logits_results, ResultKind::Logits),
        (&model.token_results, ResultKind::Tokens),
        (&model.cache_results, ResultKind::Cache),
        (&model.row_results, ResultKind::Rows),
    ];
    lists
        .into_iter()
        .find(|(list, _)| list.contains(&i))
        .map(|(_, kind)| kind)
}

fn purpose(function: Op, model: &Model, i: usize, count: usize, names: &Names) -> Purpose {
    let index = i64::try_from(i).unwrap_or(-1);
    let kind = if model.token_args.contains(&index) {
        ArgumentKind::Tokens
    } else if model.position_args.contains(&index) {
        ArgumentKind::Position
    } else if model.cache_args.contains(&index) {
        ArgumentKind::Cache
    } else if model.parameter_args.contains(&index) {
        ArgumentKind::Weight
    } else {
        ArgumentKind::Other
    };
    let name = plain(function, i, count, names).name;
    let ordinal = model.parameter_args.iter().position(|p| *p == index);
    let made_up = name.is_none() && ordinal.is_some();
    let name = name.or_else(|| Some(format!("{}.{}", model.role, ordinal?)));
    Purpose {
        kind,
        name,
        made_up,
    }
}

/// Without a model: the name that the user or the exporter gave.
fn plain(function: Op, i: usize, count: usize, names: &Names) -> Purpose {
    let function_name = function.symbol().unwrap_or_default();
    let given = names.get(function_name, i, count).map(str::to_owned);
    let arg = || function.body()?.args().get(i).copied();
    Purpose {
        name: given.or_else(|| name_of_location(arg()?)),
        ..OTHER
    }
}

/// The name that an exporter put into an argument's location: `loc("name")`, `loc("name"("file":1:2))`.
fn name_of_location(value: Value) -> Option<String> {
    let text = value.loc().to_string();
    let (name, after) = text.strip_prefix("loc(\"")?.split_once('"')?;
    (after.starts_with(['(', ')']) && !name.is_empty()).then(|| name.to_owned())
}

/// Follows an argument, through ops that pass values on, to a model function's argument.
fn destination(arg: Value, entry: Op, names: &Names) -> Option<Purpose> {
    reach(arg, entry, &|callee, i, count| {
        let model = model_of(callee)?;
        Some(purpose(callee, &model, i, count, names))
    })
    .or_else(|| {
        let into_cache = |(op, i): &(Op, usize)| op.name() == "spec.commit" && *i == 1;
        arg.uses().iter().any(into_cache).then_some(Purpose {
            kind: ArgumentKind::Cache,
            ..OTHER
        })
    })
}

fn callee_model(arg: Value, entry: Op) -> Option<Model> {
    reach(arg, entry, &|callee, _, _| model_of(callee))
}

/// The first answer of `found` for a call that `arg` reaches: callee, argument, number of arguments.
fn reach<T>(arg: Value, entry: Op, found: &dyn Fn(Op, usize, usize) -> Option<T>) -> Option<T> {
    let mut seen = HashSet::new();
    let mut front = vec![arg];
    for _ in 0..HOPS {
        let mut next = vec![];
        for value in front {
            for (op, i) in value.uses() {
                if op.name() == "func.call" {
                    let count = op.operands().len();
                    if let Some(t) = callee(op, entry).and_then(|c| found(c, i, count)) {
                        return Some(t);
                    }
                } else if passes_on(op) && seen.insert(op) {
                    next.extend(op.results());
                }
            }
        }
        front = next;
    }
    None
}

fn callee(call: Op, entry: Op) -> Option<Op> {
    let name = call.attr("callee")?.as_flat_symbol()?;
    let functions = entry.block()?.ops();
    functions
        .into_iter()
        .find(|f| f.name() == "func.func" && f.symbol() == Some(name))
}

/// Ops that only rearrange small values, such as tokens and positions.
fn passes_on(op: Op) -> bool {
    let tensor = [
        "extract",
        "from_elements",
        "cast",
        "expand_shape",
        "collapse_shape",
        "insert",
        "extract_slice",
    ];
    match op.name().split_once('.') {
        Some(("tensor", name)) => tensor.contains(&name),
        Some(("arith", name)) => {
            name.starts_with("index_cast") || matches!(name, "extsi" | "trunci" | "addi")
        }
        _ => false,
    }
}

fn tokens_of(args: &[Value], purposes: &[Purpose]) -> u32 {
    let tokens = args
        .iter()
        .zip(purposes)
        .filter(|(_, p)| p.kind == ArgumentKind::Tokens);
    let sizes = tokens.map(|(a, _)| {
        a.ty()
            .shape()
            .dims
            .iter()
            .map(|d| d.unwrap_or(1))
            .product::<u64>()
    });
    u32::try_from(sizes.max().unwrap_or(1)).unwrap_or(1)
}
