//! Device modules into the module around them: symbols move under new names, dispatches become calls.

use super::helpers::{module_of, symbols, unique};
use crate::cursor::Cursor;
use spec_dialect::ffi::{Attr, Op};
use spec_dialect::pass::{Diagnostic, Diagnostics};
use std::collections::{HashMap, HashSet};

/// A device module and what becomes of it.
pub(super) struct Device {
    module: Op,
    parent: Op,
    /// New name by old one.
    names: HashMap<String, String>,
    /// Declarations of external functions that the parent has already.
    shared: HashSet<Op>,
}

impl Device {
    /// All device modules below `root`, inner ones first, with new names for their symbols.
    pub(super) fn find_all(root: Op) -> Result<Vec<Device>, Diagnostics> {
        let is_device = |o: &Op| {
            o.name() == "builtin.module" && o.attr("spec.placement").is_some() && *o != root
        };
        let mut modules: Vec<Op> = root.nested().into_iter().filter(is_device).collect();
        modules.reverse();
        let mut visible: HashMap<Op, HashMap<String, Op>> = HashMap::new();
        let mut found: Vec<Device> = vec![];
        let mut errors = vec![];
        for module in modules {
            let Some(parent) = module_of(module) else {
                continue;
            };
            // What an inner device module hands up has to be renamed along.
            let handed_up = found.iter().filter(|d| d.parent == module);
            let inner: HashSet<String> =
                handed_up.flat_map(|d| d.names.values().cloned()).collect();
            let taken = visible.entry(parent).or_insert_with(|| by_name(parent));
            found.push(Device::name_all(module, parent, &inner, taken, &mut errors));
        }
        for module in found.iter().map(|d| d.parent).collect::<HashSet<_>>() {
            errors.extend(other_uses(module, &found));
        }
        if errors.is_empty() {
            Ok(found)
        } else {
            Err(Diagnostics(errors))
        }
    }

    fn name_all(
        module: Op,
        parent: Op,
        inner: &HashSet<String>,
        taken: &mut HashMap<String, Op>,
        errors: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut device = Device {
            module,
            parent,
            names: HashMap::new(),
            shared: HashSet::new(),
        };
        let own = symbols(module);
        let prefix = module.symbol().unwrap_or("device");
        for op in module.body().map(|b| b.ops()).unwrap_or_default() {
            let Some(old) = op.symbol() else { continue };
            if is_device_module(op) {
                continue;
            }
            let new = if is_declaration(op) {
                match taken.get(old) {
                    Some(other) if declared_type(*other) == declared_type(op) => {
                        device.shared.insert(op);
                    }
                    Some(other) => errors.push(clash(op, *other, old)),
                    None => {}
                }
                old.to_owned()
            } else {
                let base = format!("{prefix}__{old}");
                unique(&base, |n| {
                    taken.contains_key(n) || own.contains(n) || inner.contains(n)
                })
            };
            taken.entry(new.clone()).or_insert(op);
            device.names.insert(old.to_owned(), new);
        }
        for old in inner {
            let new = unique(&format!("{prefix}__{old}"), |n| {
                taken.contains_key(n) || own.contains(n) || inner.contains(n)
            });
            taken.insert(new.clone(), module);
            device.names.insert(old.clone(), new);
        }
        device
    }

    /// Moves everything in front of the device module, turns dispatches into calls, and erases it.
    pub(super) fn dissolve(self) {
        let body = self.module.body().map(|b| b.ops()).unwrap_or_default();
        for op in &body {
            rename_uses(*op, &self.names);
        }
        let name = self.module.symbol().unwrap_or_default();
        for op in within(self.parent)
            .into_iter()
            .filter(|o| o.name() == "spec.dispatch")
        {
            let callee = op.attr("callee").and_then(Attr::as_nested_symbol);
            let new = callee
                .filter(|(device, _)| *device == name)
                .and_then(|(_, f)| self.names.get(f));
            if let Some(new) = new {
                to_call(op, new);
            }
        }
        for op in body {
            if self.shared.contains(&op) {
                op.erase();
                continue;
            }
            if let Some(new) = op.symbol().and_then(|old| self.names.get(old)) {
                op.set_attr("sym_name", Attr::string(op.ctx(), new));
                if !is_declaration(op) {
                    op.set_attr("sym_visibility", Attr::string(op.ctx(), "private"));
                }
            }
            op.move_before(self.module);
        }
        self.module.erase();
    }
}

fn to_call(dispatch: Op, callee: &str) {
    let operands: Vec<_> = dispatch.operands().collect();
    let types: Vec<_> = dispatch.results().map(|r| r.ty()).collect();
    let call = Cursor::before(dispatch).call(callee, &operands, &types);
    for (old, new) in dispatch.results().zip(call) {
        old.replace_all_uses(new);
    }
    dispatch.erase();
}

fn is_device_module(op: Op) -> bool {
    op.name() == "builtin.module" && op.attr("spec.placement").is_some()
}

/// A function without a body, or a global without a value, stands for one that is linked by its name.
fn is_declaration(op: Op) -> bool {
    match op.name() {
        "memref.global" => op.attr("initial_value").is_none(),
        _ => op.attr("function_type").is_some() && op.body().is_none(),
    }
}

fn declared_type(op: Op) -> Option<Attr> {
    op.attr("function_type").or_else(|| op.attr("type"))
}

fn clash(op: Op, other: Op, name: &str) -> Diagnostic {
    let message = format!(
        "spec-lower-to-host: the external symbol '@{name}' of a device module has another type than the symbol of that name outside: rename one of them"
    );
    Diagnostic {
        loc: op.loc(),
        message,
        notes: vec![(other.loc(), "the other one is here".into())],
    }
}

fn by_name(module: Op) -> HashMap<String, Op> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    ops.into_iter()
        .filter_map(|o| Some((o.symbol()?.to_owned(), o)))
        .collect()
}

/// The ops below `op` (itself included) for which the symbols around `op` are visible.
fn within(op: Op) -> Vec<Op> {
    let mut out = vec![op];
    let mut i = 0;
    while i < out.len() {
        if i == 0 || !out[i].name().ends_with("module") {
            out.extend(out[i].blocks().into_iter().flat_map(|b| b.ops()));
        }
        i += 1;
    }
    out
}

/// Uses of device modules by anything but a dispatch: such code cannot run on one host.
fn other_uses(parent: Op, devices: &[Device]) -> Vec<Diagnostic> {
    let names: HashSet<&str> = devices
        .iter()
        .filter(|d| d.parent == parent)
        .filter_map(|d| d.module.symbol())
        .collect();
    let mut out = vec![];
    for op in within(parent)
        .into_iter()
        .filter(|o| o.name() != "spec.dispatch")
    {
        let used = op.attrs().into_iter().find_map(|(_, a)| {
            let root = a
                .as_nested_symbol()
                .map(|(root, _)| root)
                .or_else(|| a.as_flat_symbol())?;
            names.contains(root).then_some(root)
        });
        if let Some(name) = used {
            out.push(Diagnostic {
                loc: op.loc(),
                message: format!(
                    "spec-lower-to-host: {} refers to the device module '@{name}', which goes away: only spec.dispatch may",
                    op.name()
                ),
                notes: vec![],
            });
        }
    }
    out
}

/// Replaces references to renamed symbols in the attributes of `op` and all ops below it.
fn rename_uses(op: Op, names: &HashMap<String, String>) {
    if op.name().ends_with("module") {
        return;
    }
    for inner in within(op) {
        for (name, attr) in inner.attrs() {
            if let Some(new) = renamed(inner, attr, names) {
                inner.set_attr(name, new);
            }
        }
    }
}

fn renamed(op: Op, attr: Attr, names: &HashMap<String, String>) -> Option<Attr> {
    let ctx = op.ctx();
    if let Some(old) = attr.as_flat_symbol() {
        return names.get(old).map(|new| Attr::flat_symbol(ctx, new));
    }
    if let Some((root, leaf)) = attr.as_nested_symbol() {
        return names.get(root).map(|new| Attr::symbol_ref(ctx, new, leaf));
    }
    if let Some(list) = attr.elements() {
        let new: Vec<_> = list.iter().map(|a| renamed(op, *a, names)).collect();
        return new.iter().any(Option::is_some).then(|| {
            let merged: Vec<Attr> = list.iter().zip(new).map(|(a, n)| n.unwrap_or(*a)).collect();
            Attr::array(ctx, &merged)
        });
    }
    let entries = attr.entries()?;
    let new: Vec<_> = entries
        .iter()
        .map(|(_, a)| renamed(op, *a, names))
        .collect();
    new.iter().any(Option::is_some).then(|| {
        let merged = entries
            .iter()
            .zip(new)
            .map(|((k, a), n)| (*k, n.unwrap_or(*a)));
        Attr::dictionary(ctx, &merged.collect::<Vec<_>>())
    })
}
