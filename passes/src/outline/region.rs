//! Outlines forward calls that are inlined in a larger function.

use crate::identify::facts::is_leaf;

use super::call::{Residency, dispatch_before};
use super::{Host, symbols};
use spec_dialect::attrs::{Call, Placement};
use spec_dialect::ffi::{Attr, Block, Op, Type, Value, build_op, new_block};
use spec_dialect::pass::Diagnostics;
use std::collections::{HashMap, HashSet};

/// One inlined forward call with a placement.
pub struct PlacedCall {
    /// Which call.
    pub call: Call,
    /// Where it goes.
    pub placement: Placement,
    /// Its ops, in program order.
    pub ops: Vec<Op>,
}

/// Finds the placed inlined calls, in program order.
pub fn placed_calls(body: Block) -> Vec<PlacedCall> {
    let mut found: Vec<((Block, Call), PlacedCall)> = vec![];
    let mut index: HashMap<(Block, Call), usize> = HashMap::new();
    for f in body.ops().into_iter().filter(|o| o.name() == "func.func") {
        let mut blocks = f.blocks();
        while let Some(block) = blocks.pop() {
            for op in block.ops() {
                let Some(call) = op.attr("spec.call").and_then(Call::from_attr) else {
                    if !is_leaf(op) {
                        blocks.extend(op.blocks());
                    }
                    continue;
                };
                let Some(placement) = op.attr("spec.placement").and_then(Placement::from_attr)
                else {
                    continue;
                };
                let key = (block, call.clone());
                let i = *index.entry(key.clone()).or_insert_with(|| {
                    found.push((
                        key,
                        PlacedCall {
                            call,
                            placement,
                            ops: vec![],
                        },
                    ));
                    found.len() - 1
                });
                found[i].1.ops.push(op);
            }
        }
    }
    let mut calls: Vec<PlacedCall> = found.into_iter().map(|f| f.1).collect();
    calls.sort_by_key(|c| c.call.index);
    calls
}

/// What a region reads and what others read of it.
struct Cut {
    /// Values from outside that become arguments.
    captures: Vec<Value>,
    /// Outside ops that are recomputed inside, in order of definition.
    recomputed: Vec<Op>,
    /// Results that are used outside.
    escapes: Vec<Value>,
    /// Ops between the region's that use its results: they move behind the dispatch.
    dependents: Vec<Op>,
}

/// Operands of an op and of all ops nested in it.
fn all_operands(op: Op) -> Vec<Value> {
    if op.region_count() == 0 {
        op.operands().collect()
    } else {
        op.nested()
            .into_iter()
            .flat_map(|o| o.operands().collect::<Vec<_>>())
            .collect()
    }
}

fn find_cut(c: &PlacedCall) -> Result<Cut, Diagnostics> {
    let members: HashSet<Op> = c.ops.iter().copied().collect();
    let nested: HashSet<Op> = c.ops.iter().flat_map(|o| o.nested()).collect();
    let inside = |v: Value| match v.def() {
        Some(d) => nested.contains(&d),
        None => v
            .arg_block()
            .and_then(|b| b.parent())
            .is_some_and(|p| nested.contains(&p)),
    };
    let mut cut = Cut {
        captures: vec![],
        recomputed: vec![],
        escapes: vec![],
        dependents: vec![],
    };
    let mut known: HashSet<Value> = HashSet::new();
    let mut chosen: HashSet<Op> = HashSet::new();
    for v in c.ops.iter().flat_map(|o| all_operands(*o)) {
        if !inside(v) {
            capture(v, &members, &mut cut, &mut known, &mut chosen);
        }
    }
    for r in c.ops.iter().flat_map(|o| o.results().collect::<Vec<_>>()) {
        if r.uses().iter().any(|(user, _)| !nested.contains(user)) {
            cut.escapes.push(r);
        }
    }
    dependents(c, &members, &mut cut)?;
    Ok(cut)
}

/// Walks back from a captured value through pure ops, which are recomputed, to what must be passed in.
fn capture(
    v: Value,
    members: &HashSet<Op>,
    cut: &mut Cut,
    known: &mut HashSet<Value>,
    chosen: &mut HashSet<Op>,
) {
    if !known.insert(v) {
        return;
    }
    // explicit stack: (op, operands still to visit)
    let recomputable = |v: Value| v.def().filter(|d| is_recomputable(*d, members));
    let Some(op) = recomputable(v) else {
        cut.captures.push(v);
        return;
    };
    if chosen.contains(&op) {
        return;
    }
    let mut stack = vec![(op, all_operands(op))];
    while let Some((op, mut rest)) = stack.pop() {
        match rest.pop() {
            None => {
                if chosen.insert(op) {
                    cut.recomputed.push(op);
                }
            }
            Some(operand) => {
                stack.push((op, rest));
                let own = operand
                    .arg_block()
                    .and_then(|b| b.parent())
                    .is_some_and(|p| op.nested().contains(&p))
                    || operand
                        .def()
                        .is_some_and(|d| op.region_count() > 0 && op.nested().contains(&d));
                if own || !known.insert(operand) {
                    continue;
                }
                match recomputable(operand) {
                    Some(d) if !chosen.contains(&d) => stack.push((d, all_operands(d))),
                    Some(_) => {}
                    None => cut.captures.push(operand),
                }
            }
        }
    }
}

/// Pure, outside of all forward calls, and not made from tokens that another call chose.
fn is_recomputable(op: Op, members: &HashSet<Op>) -> bool {
    if members.contains(&op)
        || op.attr("spec.call").is_some()
        || !op.is_pure()
        || !is_leaf(op) // a loop is work, and may hold another call
        || matches!(op.name(), "spec.transfer")
    {
        return false;
    }
    // integers of the host (token lists, positions) are cheaper passed than recomputed, constants excepted
    let integers = op
        .results()
        .all(|r| r.ty().shape().element.is_int() && r.ty().shape().is_shaped);
    let scalars = op.results().all(|r| !r.ty().shape().is_shaped);
    let from_region = op.operands().any(|v| {
        v.def().is_some_and(|d| {
            d.attr("spec.call").is_some() || matches!(d.name(), "spec.dispatch" | "spec.transfer")
        })
    });
    !from_region && (op.operands().len() == 0 || !(integers || scalars) || feeds_from_arguments(op))
}

/// Integer arithmetic on function arguments alone (positions), not on what a loop carries or a call chose.
fn feeds_from_arguments(op: Op) -> bool {
    let mut seen: HashSet<Op> = HashSet::new();
    let mut todo = vec![op];
    while let Some(op) = todo.pop() {
        for v in op.operands() {
            match v.def() {
                Some(d)
                    if d.is_pure()
                        && is_leaf(d)
                        && d.attr("spec.call").is_none()
                        && d.name() != "spec.transfer" =>
                {
                    if seen.insert(d) {
                        todo.push(d);
                    }
                }
                None if v
                    .arg_block()
                    .and_then(|b| b.parent())
                    .is_some_and(|p| p.name() == "func.func") => {}
                _ => return false,
            }
        }
    }
    true
}

fn dependents(c: &PlacedCall, members: &HashSet<Op>, cut: &mut Cut) -> Result<(), Diagnostics> {
    let (Some(first), Some(last)) = (c.ops.first(), c.ops.last()) else {
        return Ok(());
    };
    let Some(block) = first.block() else {
        return Ok(());
    };
    let mut tainted: HashSet<Value> = cut.escapes.iter().copied().collect();
    let ops = block.ops();
    let range = ops
        .iter()
        .skip_while(|o| *o != first)
        .take_while(|o| *o != last);
    let mut effects_move = false; // then later effects move along, in their order
    for op in range.copied().filter(|o| !members.contains(o)) {
        let effects = !op.is_pure();
        if (effects && effects_move) || all_operands(op).iter().any(|v| tainted.contains(v)) {
            tainted.extend(op.results());
            cut.dependents.push(op);
            effects_move |= effects;
        }
    }
    let escapes: HashSet<Value> = cut.escapes.iter().copied().collect();
    let feeds_back = cut
        .captures
        .iter()
        .find(|v| tainted.contains(v) && !escapes.contains(v));
    match feeds_back.and_then(|v| v.def()) {
        Some(op) => Err(Diagnostics::at(
            op.loc(),
            "spec-outline: this op uses a result of the forward call and feeds the same call: the call cannot be moved to a device as a whole; mark the ops with spec.role, or export the model as a function",
        )),
        None => Ok(()),
    }
}

/// Moves one inlined call into its device module.
///
/// # Errors
/// The call's ops cannot be moved together.
pub fn outline(host: &mut Host, c: &PlacedCall) -> Result<(), Diagnostics> {
    let c = &in_program_order(c); // outlining another call may have moved ops
    let Some(last) = c.ops.last().copied() else {
        return Ok(());
    };
    let loc = c.ops[0].loc();
    let bug = || {
        Diagnostics::at(
            loc,
            "spec-outline: cannot build the region's function; please report it with the input",
        )
    };
    let cut = find_cut(c)?;
    let device = host.device(&c.placement)?;
    let name = symbols::unique(
        &[device.body, host.body], // helpers of the host may move in
        &format!("{}_call{}", sanitized(&c.call.model), c.call.index),
    );

    let inputs: Vec<Type> = cut.captures.iter().map(|v| v.ty()).collect();
    let outputs: Vec<Type> = cut.escapes.iter().map(|v| v.ty()).collect();
    let members: HashSet<Op> = c.ops.iter().flat_map(|o| o.nested()).collect();
    let devices = host
        .devices
        .iter()
        .map(|d| (d.name.clone(), d.placement.device.clone()))
        .collect();
    let stay = residency(&cut, &members, &c.placement, &devices);

    // the dispatch stands where the last op stood; what used the results in between follows it
    let (results, _) = dispatch_before(host, last, &device, &name, &cut.captures, &outputs, &stay)?;
    for (old, new) in cut.escapes.iter().zip(&results) {
        for (user, i) in old.uses() {
            if !members.contains(&user) {
                user.set_operand(i, *new);
            }
        }
    }
    for op in &cut.dependents {
        op.move_before(last);
    }

    let block = new_block(&inputs, loc);
    let mut map: HashMap<Value, Value> = cut.captures.iter().copied().zip(block.args()).collect();
    for op in &cut.recomputed {
        let copy = op.duplicate();
        remap(copy, &map);
        block.append(copy);
        map.extend(op.results().zip(copy.results()));
    }
    for op in &c.ops {
        op.move_to_end(block);
        remap(*op, &map);
        op.remove_attr("spec.call");
        op.remove_attr("spec.placement");
    }
    block.append(build_op("func.return", loc, &cut.escapes, &[], &[], &[]).ok_or_else(bug)?);
    let ctx = host.module.ctx();
    let attrs = [
        ("sym_name", Attr::string(ctx, &name)),
        (
            "function_type",
            Attr::of_type(Type::function_of(ctx, &inputs, &outputs)),
        ),
    ];
    device
        .body
        .append(build_op("func.func", loc, &[], &[], &attrs, &[vec![block]]).ok_or_else(bug)?);
    erase_dead(&cut.recomputed);
    Ok(())
}

fn in_program_order(c: &PlacedCall) -> PlacedCall {
    let members: HashSet<Op> = c.ops.iter().copied().collect();
    let block = c.ops.first().and_then(|o| o.block());
    let ops = block.map(|b| b.ops()).unwrap_or_default();
    PlacedCall {
        call: c.call.clone(),
        placement: c.placement.clone(),
        ops: ops.into_iter().filter(|o| members.contains(o)).collect(),
    }
}

fn sanitized(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn remap(op: Op, map: &HashMap<Value, Value>) {
    for o in op.nested() {
        for (i, v) in o.operands().collect::<Vec<_>>().into_iter().enumerate() {
            if let Some(new) = map.get(&v) {
                o.set_operand(i, *new);
            }
        }
    }
}

/// Erases recomputed ops that nothing on the host uses any more.
fn erase_dead(ops: &[Op]) {
    for op in ops.iter().rev() {
        if op.results().all(|r| r.uses().is_empty()) {
            op.erase();
        }
    }
}

/// Arrays that come from arguments or from the same device stay; results that only feed loops, returns or the same device stay.
fn residency(
    cut: &Cut,
    in_region: &HashSet<Op>,
    placement: &Placement,
    devices: &HashMap<String, String>,
) -> Residency {
    let on_device = |op: Op| {
        op.name() == "spec.dispatch"
            && op
                .attr("callee")
                .and_then(|c| c.as_nested_symbol())
                .is_some_and(|(m, _)| devices.get(m) == Some(&placement.device))
    };
    let array = |v: Value| {
        let s = v.ty().shape();
        s.is_shaped
            && !s.dims.is_empty()
            && (s.element.is_float() || s.element.bits() <= 16 && s.element.bits() > 1)
    };
    // the mark of an inlined call is on the ops of its block, not on those in their regions
    let same_device_later = |user: Op| {
        std::iter::successors(Some(user), |o| o.parent())
            .find_map(|o| o.attr("spec.placement"))
            .and_then(Placement::from_attr)
            .is_some_and(|p| p.device == placement.device)
    };
    let stays_in = |v: Value| {
        array(v)
            && v.def().is_none_or(|d| {
                on_device(d) || d.name() == "arith.constant" || d.name().starts_with("ml_program.")
            })
    };
    let is_state = |user: Op, v: Value| match user.name() {
        "scf.yield" | "scf.condition" => true,
        // a whole cache that the function hands back has the type of the argument it came in by
        "func.return" => user
            .parent()
            .and_then(|f| f.body())
            .is_some_and(|b| b.args().iter().any(|a| a.ty() == v.ty())),
        _ => on_device(user) || same_device_later(user),
    };
    let stays_out = |v: Value| {
        array(v)
            && v.uses()
                .iter()
                .filter(|(u, _)| !in_region.contains(u))
                .all(|(u, _)| is_state(*u, v))
    };
    let pick = |values: &[Value], keep: &dyn Fn(Value) -> bool| {
        values
            .iter()
            .enumerate()
            .filter(|(_, v)| keep(**v))
            .map(|(i, _)| i as i64)
            .collect()
    };
    Residency {
        operands: pick(&cut.captures, &stays_in),
        results: pick(&cut.escapes, &stays_out),
    }
}
