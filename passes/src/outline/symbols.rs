//! Moves model functions, and the symbols they need, into device modules.

use super::{Host, PlacedFunction};
use spec_dialect::ffi::{Attr, Block, Op};
use spec_dialect::pass::Diagnostics;
use std::collections::{BTreeSet, HashMap};

/// A symbol name that none of the blocks has yet.
pub fn unique(bodies: &[Block], wanted: &str) -> String {
    let taken: BTreeSet<String> = bodies
        .iter()
        .flat_map(|b| b.ops())
        .filter_map(|o| o.symbol())
        .map(str::to_owned)
        .collect();
    let mut name = wanted.to_owned();
    let mut n = 0;
    while taken.contains(&name) {
        n += 1;
        name = format!("{wanted}_{n}");
    }
    name
}

/// Symbols that an op refers to (flat references anywhere in its attributes).
fn references(op: Op) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for o in op.nested().into_iter().filter(|o| o.name() != "func.func") {
        let mut todo: Vec<Attr> = o.attrs().into_iter().map(|(_, a)| a).collect();
        while let Some(a) = todo.pop() {
            out.extend(a.as_flat_symbol().map(str::to_owned));
            todo.extend(a.elements().unwrap_or_default());
            todo.extend(a.entries().unwrap_or_default().into_iter().map(|(_, a)| a));
        }
    }
    out
}

/// The host's symbols that `roots` need, transitively.
fn closure(roots: &[Op], by_name: &HashMap<String, Op>) -> BTreeSet<String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut todo: Vec<Op> = roots.to_vec();
    while let Some(op) = todo.pop() {
        for name in references(op) {
            if let Some(next) = by_name.get(&name)
                && seen.insert(name)
            {
                todo.push(*next);
            }
        }
    }
    seen
}

/// Moves the placed functions into their device modules.
///
/// # Errors
/// A device module cannot be made.
pub fn move_functions(host: &mut Host, functions: &[PlacedFunction]) -> Result<(), Diagnostics> {
    for f in functions {
        let device = host.device(&f.placement)?;
        f.op.move_to_end(device.body);
    }
    Ok(())
}

/// Gives each device module the helper functions and globals that its functions refer to. What only one device needs moves
/// there; what others need as well is copied.
///
/// # Errors
/// A mutable global would have to be in two places.
pub fn distribute(host: &Host) -> Result<(), Diagnostics> {
    let by_name: HashMap<String, Op> = host
        .body
        .ops()
        .into_iter()
        .filter(|o| o.name() != "builtin.module")
        .filter_map(|o| Some((o.symbol()?.to_owned(), o)))
        .collect();
    let needs: Vec<BTreeSet<String>> = host
        .devices
        .iter()
        .map(|d| closure(&d.body.ops(), &by_name))
        .collect();
    let needed_by_devices: BTreeSet<&String> = needs.iter().flatten().collect();
    // a private function that only devices use does not keep what it needs on the host
    let roots: Vec<Op> = by_name
        .iter()
        .filter(|(n, o)| {
            o.name() == "func.func" && !(is_private(**o) && needed_by_devices.contains(n))
        })
        .map(|(_, o)| *o)
        .collect();
    let mut host_needs = closure(&roots, &by_name);
    host_needs.extend(roots.iter().filter_map(|o| Some(o.symbol()?.to_owned())));
    for (i, (device, names)) in host.devices.iter().zip(&needs).enumerate() {
        for name in names {
            let op = by_name[name];
            let elsewhere =
                host_needs.contains(name) || needs[i + 1..].iter().any(|n| n.contains(name));
            let copied = needs[..i].iter().any(|n| n.contains(name));
            if (elsewhere || copied) && op.attr("is_mutable").is_some() {
                return Err(Diagnostics::at(
                    op.loc(),
                    format!(
                        "spec-outline: the mutable global '@{name}' is used on two devices: pass the state as function arguments and results instead"
                    ),
                ));
            }
            if elsewhere {
                device.body.append(op.duplicate());
            } else {
                op.move_to_end(device.body);
            }
        }
    }
    Ok(())
}

fn is_private(op: Op) -> bool {
    op.str_attr("sym_visibility") == Some("private")
}
