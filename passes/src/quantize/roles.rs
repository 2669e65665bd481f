//! Which model a function is of, and who calls it.

use spec_dialect::attrs::{Model, Placement, Role};
use spec_dialect::ffi::{Attr, Loc, Op};
use spec_dialect::pass::{Diagnostic, Diagnostics};

/// All functions of a module and of modules in it.
pub fn functions(module: Op) -> Vec<Op> {
    let inner = module.blocks().into_iter().flat_map(|b| b.ops());
    inner
        .flat_map(|op| match op.name() {
            "func.func" => vec![op],
            "builtin.module" => functions(op),
            _ => vec![],
        })
        .collect()
}

/// The role of a function: its own, or that of a module around it.
pub fn role(function: Op) -> Option<Role> {
    let model = || Some(Model::from_attr(function.attr("spec.model")?)?.role);
    let hint = || function.str_attr("spec.role")?.parse().ok();
    model()
        .or_else(|| placed(function))
        .or_else(hint)
        .or_else(|| {
            let mut at = function.parent();
            while let Some(module) = at {
                if let Some(role) = placed(module) {
                    return Some(role);
                }
                at = module.parent();
            }
            None
        })
}

fn placed(op: Op) -> Option<Role> {
    Some(Placement::from_attr(op.attr("spec.placement")?)?.role)
}

/// The name in a symbol reference, with that of the module before it.
fn reference<'a>(attr: Attr) -> Option<(Option<&'a str>, &'a str)> {
    let nested = attr
        .as_nested_symbol()
        .map(|(root, leaf)| (Some(root), leaf));
    nested.or_else(|| Some((None, attr.as_flat_symbol()?)))
}

/// The module that holds an op.
fn module_of(op: Op) -> Option<Op> {
    let mut at = op.parent();
    while let Some(o) = at {
        if o.name() == "builtin.module" {
            return Some(o);
        }
        at = o.parent();
    }
    None
}

/// Refuses functions that something in the module refers to: who calls them would pass the old weights.
///
/// # Errors
/// One for each such function.
pub fn refuse_called(module: Op, functions: &[Op]) -> Result<(), Diagnostics> {
    if functions.is_empty() {
        return Ok(());
    }
    let mut calls: Vec<(Op, Loc)> = vec![];
    for op in module.nested() {
        for (_, attr) in op.attrs() {
            let Some((root, leaf)) = reference(attr) else {
                continue;
            };
            let is_meant = |f: &&Op| {
                let home = module_of(**f);
                f.symbol() == Some(leaf)
                    && match root {
                        Some(root) => home.is_some_and(|m| m.symbol() == Some(root)),
                        None => home == module_of(op),
                    }
            };
            calls.extend(functions.iter().find(is_meant).map(|f| (*f, op.loc())));
        }
    }
    let errors: Vec<Diagnostic> = functions
        .iter()
        .filter_map(|f| {
            let (_, call) = calls.iter().find(|(callee, _)| callee == f)?;
            Some(Diagnostic {
                loc: f.loc(),
                message: format!(
                    "spec-quantize: @{} is called in this module, and its arguments would change; run inline first, or \
                     quantise the module of one device at a time",
                    f.symbol().unwrap_or("?")
                ),
                notes: vec![(*call, "called here".to_owned())],
            })
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Diagnostics(errors))
    }
}
