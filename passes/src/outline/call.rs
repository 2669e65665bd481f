//! Dispatches and transfers in place of calls, and stubs for public functions.

use super::{Device, Host, PlacedFunction};
use spec_dialect::attrs::{Model, Placement};
use spec_dialect::ffi::{Attr, Loc, Op, Type, Value, build_op, new_block};
use spec_dialect::pass::Diagnostics;
use std::collections::HashMap;

/// What stays on the device: operand and result numbers.
pub struct Residency {
    /// Operands.
    pub operands: Vec<i64>,
    /// Results.
    pub results: Vec<i64>,
}

impl Residency {
    /// Of a model function: parameters and caches; whole caches and rows.
    pub fn of(m: &Model) -> Self {
        let mut operands: Vec<i64> = m
            .cache_args
            .iter()
            .chain(&m.parameter_args)
            .copied()
            .collect();
        let mut results: Vec<i64> = m
            .cache_results
            .iter()
            .chain(&m.row_results)
            .copied()
            .collect();
        operands.sort_unstable();
        results.sort_unstable();
        Self { operands, results }
    }
}

fn bug(loc: Loc) -> Diagnostics {
    Diagnostics::at(
        loc,
        "spec-outline: cannot build an op; please report it with the input",
    )
}

/// The device that a value is on: that of the dispatch which made it, or the host.
fn device_of(host: &Host, v: Value) -> &str {
    let dispatch = v.def().filter(|d| d.name() == "spec.dispatch");
    let module = dispatch
        .and_then(|d| d.attr("callee")?.as_nested_symbol())
        .map(|(m, _)| m);
    host.devices
        .iter()
        .find(|d| Some(d.name.as_str()) == module)
        .map_or(&host.plan.host, |d| &d.placement.device)
}

/// Builds `spec.dispatch @device::@name(operands)` in front of `before`, with transfers of what crosses. Returns the results as
/// the host sees them, and the dispatch.
pub fn dispatch_before(
    host: &Host,
    before: Op,
    device: &Device,
    name: &str,
    operands: &[Value],
    results: &[Type],
    stay: &Residency,
) -> Result<(Vec<Value>, Op), Diagnostics> {
    let loc = before.loc();
    let ctx = before.ctx();
    let there = device.placement.device.as_str();
    let mut inputs = operands.to_vec();
    for (i, v) in inputs.iter_mut().enumerate() {
        let here = device_of(host, *v).to_owned();
        if !stay.operands.contains(&(i as i64)) && here != there {
            *v = transfer_before(before, *v, &here, there)?;
        }
    }
    let attrs = [
        ("callee", Attr::symbol_ref(ctx, &device.name, name)),
        ("resident", Attr::i64_array(ctx, &stay.operands)),
        ("resident_results", Attr::i64_array(ctx, &stay.results)),
    ];
    let op =
        build_op("spec.dispatch", loc, &inputs, results, &attrs, &[]).ok_or_else(|| bug(loc))?;
    before.insert_before(op);
    let mut seen = vec![];
    for (i, v) in op.results().enumerate() {
        let crosses = host.crosses(there) && !stay.results.contains(&(i as i64));
        seen.push(if crosses {
            transfer_before(before, v, there, &host.plan.host)?
        } else {
            v
        });
    }
    Ok((seen, op))
}

fn transfer_before(before: Op, v: Value, from: &str, to: &str) -> Result<Value, Diagnostics> {
    let ctx = before.ctx();
    let attrs = [
        ("source", Attr::string(ctx, from)),
        ("target", Attr::string(ctx, to)),
    ];
    let op = build_op("spec.transfer", before.loc(), &[v], &[v.ty()], &attrs, &[])
        .ok_or_else(|| bug(before.loc()))?;
    before.insert_before(op);
    op.results().next().ok_or_else(|| bug(before.loc()))
}

/// Replaces all host calls of the moved functions, and leaves a stub for each public one.
pub fn rewrite_calls(host: &Host, functions: &[PlacedFunction]) -> Result<(), Diagnostics> {
    let by_name: HashMap<&str, (&PlacedFunction, &Device)> = functions
        .iter()
        .filter_map(|f| {
            Some((
                f.name.as_str(),
                (f, host.devices.iter().find(|d| d.placement == f.placement)?),
            ))
        })
        .collect();
    let callers: Vec<Op> = host
        .body
        .ops()
        .into_iter()
        .filter(|o| o.name() == "func.func")
        .collect();
    for call in callers
        .iter()
        .flat_map(|f| f.nested())
        .filter(|o| o.name() == "func.call")
    {
        let Some((f, device)) = call
            .attr("callee")
            .and_then(|c| c.as_flat_symbol())
            .and_then(|c| by_name.get(c))
        else {
            continue;
        };
        let operands: Vec<Value> = call.operands().collect();
        let types: Vec<Type> = call.results().map(|r| r.ty()).collect();
        let (results, _) = dispatch_before(
            host,
            call,
            device,
            &f.name,
            &operands,
            &types,
            &Residency::of(&f.model),
        )?;
        for (old, new) in call.results().zip(results) {
            old.replace_all_uses(new);
        }
        call.erase();
    }
    for f in functions
        .iter()
        .filter(|f| f.op.str_attr("sym_visibility") != Some("private"))
    {
        if let Some((_, device)) = by_name.get(f.name.as_str()) {
            stub(host, f, device)?;
        }
    }
    Ok(())
}

/// A function of the old name and type that dispatches.
fn stub(host: &Host, f: &PlacedFunction, device: &Device) -> Result<(), Diagnostics> {
    let loc = f.op.loc();
    let ctx = f.op.ctx();
    let (inputs, outputs) =
        f.op.attr("function_type")
            .and_then(|t| t.as_type())
            .and_then(|t| t.function())
            .ok_or_else(|| bug(loc))?;
    let block = new_block(&inputs, loc);
    let placeholder = build_op("func.return", loc, &[], &[], &[], &[]).ok_or_else(|| bug(loc))?;
    block.append(placeholder);
    let mut attrs = vec![
        ("sym_name", Attr::string(ctx, &f.name)),
        (
            "function_type",
            Attr::of_type(Type::function_of(ctx, &inputs, &outputs)),
        ),
    ];
    let own =
        |name: &str| matches!(name, "sym_name" | "function_type") || name.starts_with("spec.");
    attrs.extend(f.op.attrs().into_iter().filter(|(name, _)| !own(name)));
    let func =
        build_op("func.func", loc, &[], &[], &attrs, &[vec![block]]).ok_or_else(|| bug(loc))?;
    match host.devices.first() {
        Some(first) => first.op.insert_before(func),
        None => host.body.append(func),
    }
    let (results, _) = dispatch_before(
        host,
        placeholder,
        device,
        &f.name,
        &block.args(),
        &outputs,
        &Residency::of(&f.model),
    )?;
    block.append(build_op("func.return", loc, &results, &[], &[], &[]).ok_or_else(|| bug(loc))?);
    placeholder.erase();
    Ok(())
}

/// A transfer in textual IR, or the value itself if both ends are one device.
pub fn transfer_text(
    host: &Host,
    placement: &Placement,
    value: &str,
    ty: &str,
    to_device: bool,
    lines: &mut Vec<String>,
) -> String {
    if !host.crosses(&placement.device) {
        return value.to_owned();
    }
    let (from, to) = if to_device {
        (&host.plan.host, &placement.device)
    } else {
        (&placement.device, &host.plan.host)
    };
    let name = format!("{value}_{}", if to_device { "in" } else { "out" }).replace('#', "_");
    let [from, to] = [from, to].map(|d| spec_dialect::attrs::quoted(d));
    lines.push(format!(
        "{name} = spec.transfer {value} from {from} to {to} : {ty}"
    ));
    name
}
