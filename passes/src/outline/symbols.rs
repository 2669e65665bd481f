//! Moves model functions, and the symbols they need, into device modules.

use super::{Host, PlacedFunction};
use spec_dialect::ffi::{Attr, Block, Op};
use spec_dialect::pass::Diagnostics;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A symbol name that the block does not have yet.
pub fn unique(body: Block, wanted: &str) -> String {
    let taken: BTreeSet<String> = body
        .ops()
        .iter()
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
    let mut add = |a: Attr| {
        let mut todo = vec![a];
        while let Some(a) = todo.pop() {
            out.extend(a.as_flat_symbol().map(str::to_owned));
            todo.extend(a.elements().unwrap_or_default());
        }
    };
    for o in op.nested() {
        if o.name() != "func.func" {
            o.attrs().into_iter().for_each(|(_, a)| add(a));
        }
    }
    out
}

/// All symbols that a set of ops needs, transitively, without the ops themselves.
fn closure(roots: &[String], by_name: &HashMap<String, Op>) -> BTreeSet<String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut todo: Vec<String> = roots.to_vec();
    while let Some(name) = todo.pop() {
        let Some(op) = by_name.get(&name) else {
            continue;
        };
        if seen.insert(name) {
            todo.extend(references(*op));
        }
    }
    seen
}

/// Moves the placed functions into their device modules. A helper that only they need moves along; one that others need as
/// well is copied.
///
/// # Errors
/// A mutable global would have to be in two places.
pub fn move_functions(host: &mut Host, functions: &[PlacedFunction]) -> Result<(), Diagnostics> {
    let by_name: HashMap<String, Op> = host
        .body
        .ops()
        .into_iter()
        .filter_map(|o| Some((o.symbol()?.to_owned(), o)))
        .collect();
    let placed: BTreeSet<&str> = functions.iter().map(|f| f.name.as_str()).collect();
    let mut by_device: BTreeMap<String, Vec<&PlacedFunction>> = BTreeMap::new();
    for f in functions {
        by_device
            .entry(host.device(&f.placement)?.name)
            .or_default()
            .push(f);
    }
    // what stays on the host needs its own copy of shared helpers
    let staying: Vec<String> = by_name
        .iter()
        .filter(|(n, o)| o.name() == "func.func" && !placed.contains(n.as_str()))
        .map(|(n, _)| n.clone())
        .collect();
    let needs: BTreeMap<String, BTreeSet<String>> = by_device
        .iter()
        .map(|(d, fs)| {
            (
                d.clone(),
                closure(
                    &fs.iter().map(|f| f.name.clone()).collect::<Vec<_>>(),
                    &by_name,
                ),
            )
        })
        .collect();
    let called_from_host = |name: &str, staying: &[String]| {
        staying
            .iter()
            .any(|s| s != name && references(by_name[s]).contains(name))
    };
    // a private function that only device functions use goes with them
    let host_roots: Vec<String> = staying
        .iter()
        .filter(|s| {
            !is_private(by_name[*s])
                || !needs.values().any(|n| n.contains(*s))
                || called_from_host(s, &staying)
        })
        .cloned()
        .collect();
    let host_needs = host_closure(&host_roots, &by_name, &placed);
    for (device, names) in &needs {
        let Some(body) = host
            .devices
            .iter()
            .find(|d| d.name == *device)
            .map(|d| d.body)
        else {
            continue;
        };
        for name in names {
            let op = by_name[name];
            let mine =
                placed.contains(name.as_str()) && by_device[device].iter().any(|f| f.name == *name);
            let elsewhere = host_needs.contains(name)
                || needs.iter().any(|(d, n)| d != device && n.contains(name));
            if mine || !elsewhere {
                op.move_to_end(body);
            } else {
                if op.attr("is_mutable").is_some() {
                    return Err(Diagnostics::at(
                        op.loc(),
                        format!(
                            "spec-outline: the mutable global '@{name}' is used on two devices: pass the state as function arguments and results instead"
                        ),
                    ));
                }
                body.append(op.duplicate());
            }
        }
    }
    Ok(())
}

fn is_private(op: Op) -> bool {
    op.str_attr("sym_visibility") == Some("private")
}

/// Like [`closure`], but not through placed functions: the host reaches them by dispatch.
fn host_closure(
    roots: &[String],
    by_name: &HashMap<String, Op>,
    placed: &BTreeSet<&str>,
) -> BTreeSet<String> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut todo: Vec<String> = roots.to_vec();
    while let Some(name) = todo.pop() {
        let Some(op) = by_name.get(&name) else {
            continue;
        };
        if !placed.contains(name.as_str()) && seen.insert(name) {
            todo.extend(references(*op));
        }
    }
    seen
}
