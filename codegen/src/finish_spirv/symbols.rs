//! Variables and their names.

use spec_dialect::ffi::{Attr, Loc, Op};
use std::collections::{HashMap, HashSet};

/// Entry points list all variables from this minor version on, those of inputs and outputs before.
const WHOLE_INTERFACE: u32 = 4;

/// The module's variables.
pub(super) fn variables(spirv: Op) -> impl Iterator<Item = Op> {
    let ops = spirv.body().map_or(vec![], |b| b.ops());
    ops.into_iter()
        .filter(|o| o.name() == "spirv.GlobalVariable")
}

/// `StorageBuffer` of `!spirv.ptr<..., StorageBuffer>`.
pub(super) fn storage_class(variable: Op) -> String {
    let ty = variable
        .attr("type")
        .map_or(String::new(), |t| t.to_string());
    let class = ty.rsplit(", ").next().unwrap_or_default();
    class.trim_end_matches('>').to_owned()
}

/// Push constants are no descriptors.
pub(super) fn unbind_push_constants(spirv: Op) {
    for variable in variables(spirv).filter(|v| storage_class(*v) == "PushConstant") {
        variable.remove_attr("binding");
        variable.remove_attr("descriptor_set");
    }
}

/// Below version 1.4, interfaces hold inputs and outputs only.
pub(super) fn trim_interfaces(spirv: Op, minor: u32) {
    if minor >= WHOLE_INTERFACE {
        return;
    }
    let kept: HashSet<&str> = variables(spirv)
        .filter(|v| matches!(storage_class(*v).as_str(), "Input" | "Output"))
        .filter_map(Op::symbol)
        .collect();
    for entry in entries(spirv) {
        let names = interface(entry).into_iter();
        set_interface(entry, names.filter(|n| kept.contains(n.as_str())));
    }
}

/// The entry points.
pub(super) fn entries(spirv: Op) -> impl Iterator<Item = Op> {
    let ops = spirv.body().map_or(vec![], |b| b.ops());
    ops.into_iter().filter(|o| o.name() == "spirv.EntryPoint")
}

/// Symbols in an array attribute: `[@a, @b]`.
fn interface(entry: Op) -> Vec<String> {
    let text = entry
        .attr("interface")
        .map_or(String::new(), |a| a.to_string());
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    let names = inner.split(',').filter_map(|n| n.trim().strip_prefix('@'));
    names.map(|n| n.trim_matches('"').to_owned()).collect()
}

fn set_interface(entry: Op, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.map(|n| format!("@\"{n}\"")).collect();
    let text = format!("[{}]", names.join(", "));
    let attr =
        Attr::parse(entry.ctx(), &text).unwrap_or_else(|| panic!("'{text}' is no attribute"));
    entry.set_attr("interface", attr);
}

/// Puts the module in the place of the `gpu.module` that it was made from, and takes names of buffers from there.
pub(super) fn take_place(spirv: Op, gpu: Op) {
    rename(spirv, &argument_names(gpu));
    if let Some(name) = gpu.attr("sym_name") {
        spirv.set_attr("sym_name", name);
    }
    gpu.erase();
}

/// The `gpu.module` of which stock lowering left `__spv__NAME` beside it.
pub(super) fn origin(spirv: Op) -> Option<Op> {
    let name = spirv.symbol()?.strip_prefix("__spv__")?;
    let beside = spirv.block()?.ops();
    let mut modules = beside.into_iter().filter(|o| o.name() == "gpu.module");
    modules.find(|m| m.symbol() == Some(name))
}

/// From the names that lowering gives to the names of the kernels' arguments.
fn argument_names(gpu: Op) -> HashMap<String, String> {
    let mut renamed = HashMap::new();
    let ops = gpu.body().map_or(vec![], |b| b.ops());
    for func in ops.into_iter().filter(|o| o.name() == "gpu.func") {
        let kernel = func.symbol().unwrap_or_default();
        let mut taken = HashSet::new();
        let args = func.body().map_or(vec![], |b| b.args());
        for (i, arg) in args.into_iter().enumerate() {
            if let Some(name) = name_of(arg.loc()) {
                let free = match taken.contains(&name) {
                    true => format!("{name}.{i}"),
                    false => name,
                };
                renamed.insert(format!("{kernel}_arg_{i}"), format!("{kernel}.{free}"));
                taken.insert(free);
            }
        }
    }
    renamed
}

/// `x` of `loc("x")` or `loc("x"(...))`; other locations have no name.
fn name_of(loc: Loc) -> Option<String> {
    let text = loc.to_string();
    let (name, rest) = text.strip_prefix("loc(\"")?.split_once('"')?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = rest.starts_with([')', '(']) && !name.is_empty() && name.chars().all(fine);
    named.then(|| name.to_owned())
}

fn rename(spirv: Op, names: &HashMap<String, String>) {
    let new = |old: &str| names.get(old).map(String::as_str);
    for variable in variables(spirv) {
        if let Some(name) = variable.symbol().and_then(new) {
            variable.set_attr("sym_name", Attr::string(variable.ctx(), name));
        }
    }
    for op in spirv.nested() {
        if op.name() == "spirv.mlir.addressof" {
            let used = op.attr("variable").map_or(String::new(), |a| a.to_string());
            let used = used.trim_start_matches('@').trim_matches('"');
            if let Some(name) = new(used) {
                op.set_attr("variable", Attr::flat_symbol(op.ctx(), name));
            }
        }
    }
    for entry in entries(spirv) {
        let old = interface(entry).into_iter();
        set_interface(entry, old.map(|n| new(&n).map_or(n.clone(), String::from)));
    }
}
