//! Which parts of a module are compiled, for which unit.

use crate::args::Cli;
use crate::error::CompileError;
use crate::plan::unmark;
use crate::target::{HOST, VULKAN, choose};
use spec_cost::{Soc, Unit, UnitKind};
use spec_dialect::attrs::{Model, Placement, Role};
use spec_dialect::ffi::{Attr, Op};
use std::collections::HashSet;

/// A module of its own whose public functions become functions of the bundle.
#[derive(Clone)]
pub struct Region {
    /// Name of the device module; `model` where there is none.
    pub name: String,
    /// The module.
    pub module: Op,
    /// Role of the model that it holds, if a placement says so.
    pub role: Option<Role>,
    /// Unit of the device file.
    pub unit: String,
    /// Whether that is a CPU or a GPU.
    pub kind: UnitKind,
    /// Part of the name of this machine's GPU, if one was asked for.
    pub vulkan: Option<String>,
    /// Its cores.
    pub cores: u32,
    /// Whether symbols start with the region's name.
    pub prefixed: bool,
}

/// Takes the device modules out of `module`; a module without any is one region, or, if its models are `whole`, one a role.
///
/// # Errors
/// A placement names a unit that the device lacks.
pub fn regions(module: Op, soc: &Soc, cli: &Cli, whole: bool) -> Result<Vec<Region>, CompileError> {
    if whole {
        return roles(module, soc, cli);
    }
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let placed: Vec<(Op, Placement)> = (ops.iter())
        .filter(|o| o.name() == "builtin.module")
        .filter_map(|o| Some((*o, o.attr("spec.placement").and_then(Placement::from_attr)?)))
        .collect();
    if placed.is_empty() {
        let wanted = cli.target_device.as_deref();
        let (unit, cores) = choose(soc, wanted, cli.soc == HOST)?;
        return Ok(vec![Region {
            name: "model".into(),
            module,
            role: None,
            unit: unit.name.clone(),
            kind: unit.kind,
            vulkan: vulkan(wanted),
            cores,
            prefixed: false,
        }]);
    }
    let region = |(op, placement): (Op, Placement)| {
        let name = op.symbol().unwrap_or("region").to_owned();
        placed_region(name, op.duplicate(), &placement, soc, cli)
    };
    placed.into_iter().map(region).collect()
}

/// A region on the unit of a placement.
fn placed_region(
    name: String,
    module: Op,
    placement: &Placement,
    soc: &Soc,
    cli: &Cli,
) -> Result<Region, CompileError> {
    let Some(unit) = soc.unit(&placement.device) else {
        let names: Vec<&str> = soc.units().iter().map(|u| u.name.as_str()).collect();
        return Err(CompileError::Refused(format!(
            "@{name} is placed on '{}', and '{}' has {}: give the --soc that the module was partitioned for",
            placement.device,
            soc.name(),
            names.join(", ")
        )));
    };
    let cores = u32::try_from(placement.units).unwrap_or(u32::MAX);
    Ok(Region {
        name,
        module,
        role: Some(placement.role),
        unit: unit.name.clone(),
        kind: unit.kind,
        vulkan: vulkan(device(cli, placement.role)),
        cores: cores.clamp(1, unit.cores),
        prefixed: true,
    })
}

/// What the command line says of a role's place.
fn device(cli: &Cli, role: Role) -> Option<&str> {
    match role {
        Role::Drafter => cli.drafter_device.as_deref(),
        Role::Target => cli.target_device.as_deref(),
    }
}

/// A region a role, of a module whose models are public functions: those of the role, and all that is private.
fn roles(module: Op, soc: &Soc, cli: &Cli) -> Result<Vec<Region>, CompileError> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let placement = |role: Role| {
        let marked = ops.iter().filter_map(|o| o.attr("spec.placement"));
        let mut all = marked.filter_map(Placement::from_attr);
        all.find(|p| p.role == role)
    };
    let target = placement(Role::Target)
        .ok_or_else(|| CompileError::Internal("the target has no placement".into()))?;
    let drafter = match placement(Role::Drafter) {
        None if cli.keep_drafter => Some(kept_drafter(soc, cli, &target)?),
        placed => placed,
    };
    let mut regions = vec![];
    for placement in drafter.iter().chain([&target]) {
        let name = format!("{}_{}", placement.role, word(&placement.device));
        let copy = module.duplicate();
        let region = placed_region(name, copy, placement, soc, cli)?;
        for function in region.entries() {
            let model = function.attr("spec.model").and_then(Model::from_attr);
            if model.is_none_or(|m| m.role != placement.role) {
                function.erase();
            }
        }
        unmark(copy);
        regions.push(region);
    }
    Ok(regions)
}

/// Where a drafter goes that the plan does not use: where the user says, or where the target runs.
fn kept_drafter(soc: &Soc, cli: &Cli, target: &Placement) -> Result<Placement, CompileError> {
    let mut placement = Placement {
        role: Role::Drafter,
        ..target.clone()
    };
    if let Some(wanted) = cli.drafter_device.as_deref() {
        let (unit, cores) = choose(soc, Some(wanted), cli.soc == HOST)?;
        (placement.device, placement.units) = (unit.name.clone(), cores.into());
    }
    Ok(placement)
}

/// NAME of `vulkan:NAME`.
fn vulkan(wanted: Option<&str>) -> Option<String> {
    let (unit, name) = wanted?.split_once(':')?;
    (unit == VULKAN && !name.is_empty()).then(|| name.to_owned())
}

impl Region {
    /// Its unit.
    ///
    /// # Errors
    /// There is none: our bug.
    pub fn unit<'s>(&self, soc: &'s Soc) -> Result<&'s Unit, CompileError> {
        let unit = soc.unit(&self.unit);
        unit.ok_or_else(|| CompileError::Internal(format!("no unit '{}'", self.unit)))
    }

    /// Its functions with a body.
    pub fn functions(&self) -> Vec<Op> {
        let ops = self.module.body().map(|b| b.ops()).unwrap_or_default();
        let is_function = |o: &Op| o.name() == "func.func" && o.body().is_some();
        ops.into_iter().filter(is_function).collect()
    }

    /// Functions with a body that others may call.
    pub fn entries(&self) -> Vec<Op> {
        let public = |o: &Op| o.str_attr("sym_visibility") != Some("private");
        self.functions().into_iter().filter(public).collect()
    }

    /// Gives each entry a name that is a C identifier and that no entry of another region has. Returns (name before, symbol).
    pub fn rename_entries(&self, taken: &mut HashSet<String>) -> Vec<(String, String)> {
        let ops = self.module.body().map(|b| b.ops()).unwrap_or_default();
        let entries = self.entries();
        let others = ops
            .iter()
            .filter(|o| !entries.contains(o))
            .filter_map(|o| o.symbol());
        let mut used: HashSet<String> = others.map(str::to_owned).collect();
        used.extend(entries.iter().filter_map(|e| e.symbol()).map(str::to_owned));
        let mut renamed = vec![];
        for entry in &entries {
            let old = entry.symbol().unwrap_or("function").to_owned();
            let base = identifier(&if self.prefixed {
                format!("{}_{old}", self.name)
            } else {
                old.clone()
            });
            let free = |n: &String| !taken.contains(n) && (*n == old || !used.contains(n));
            let numbered = (2..).map(|i| format!("{base}_{i}"));
            let symbol = std::iter::once(base.clone()).chain(numbered).find(free);
            let symbol = symbol.unwrap_or(base);
            taken.insert(symbol.clone());
            used.insert(symbol.clone());
            renamed.push((old, symbol));
        }
        self.replace_symbols(&renamed);
        renamed
    }

    fn replace_symbols(&self, renamed: &[(String, String)]) {
        let ctx = self.module.ctx();
        let new = |old: &str| renamed.iter().find(|(o, _)| o == old).map(|(_, n)| n);
        let top = self.module.body().map(|b| b.ops()).unwrap_or_default();
        for op in self.module.nested() {
            for (key, value) in op.attrs() {
                let own = key == "sym_name" && top.contains(&op);
                if own {
                    if let Some(name) = value.as_str().and_then(new) {
                        op.set_attr(key, Attr::string(ctx, name));
                    }
                } else if let Some(name) = value.as_flat_symbol().and_then(new) {
                    op.set_attr(key, Attr::flat_symbol(ctx, name));
                }
            }
        }
    }
}

/// Words that C or C++ take for themselves and a model may well use.
const RESERVED: &[&str] = &[
    "main", "default", "switch", "new", "this", "template", "auto", "inline", "static", "void",
];

/// `name` with what cannot stand within a C identifier replaced.
pub fn word(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(letter).collect()
}

/// `name` as a C identifier.
pub fn identifier(name: &str) -> String {
    let text = word(name);
    let first = text.chars().next();
    if first.is_none_or(|c| c.is_ascii_digit() || c == '_') || RESERVED.contains(&text.as_str()) {
        return format!("model_{}", text.trim_start_matches('_'));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::identifier;

    #[test]
    fn names_become_identifiers() {
        let cases = [
            ("decode", "decode"),
            ("jit.main$1", "jit_main_1"),
            ("main", "model_main"),
            ("__x", "model_x"),
            ("5x", "model_5x"),
            ("", "model_"),
            ("dé", "d_"),
        ];
        for (name, expected) in cases {
            assert_eq!(identifier(name), expected);
        }
    }
}
