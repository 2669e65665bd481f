//! The loops of a nest as an invocation runs them: one output element each, what is summed up in loops inside.

use super::body::{Body, Kind};
use super::nest::Nest;
use spec_kernels::Value as Name;
use spec_kernels::gpu::{Binding, Device, Emitted, Width, Writer};

/// Invocations of a workgroup.
pub(super) const WORKGROUP: u32 = 64;

/// The text of a nest.
///
/// # Errors
/// The body computes something that no kernel knows, or the device lacks what the buffers' types need.
pub(super) fn emit(nest: &Nest, bindings: &[Binding], device: &Device) -> Result<Emitted, String> {
    let bindings: Vec<(Binding, Width)> = bindings.iter().map(|b| (*b, Width::One)).collect();
    let mut w = Writer::new(device, WORKGROUP, &bindings).map_err(|e| e.to_string())?;
    let dims = split(nest);
    let items: i64 = dims
        .iter()
        .filter(|d| nest.parallel[d.loops[0]])
        .map(|d| d.size)
        .product();
    let mut result = Ok(());
    let groups = w.each_item(items, |w, item| {
        result = write_item(w, nest, device, &dims, item);
    });
    result?;
    w.finish(groups).map_err(|e| e.to_string())
}

/// Adjacent loops that every buffer sees as one.
#[derive(Clone, Debug)]
pub(super) struct Dim {
    pub(super) size: i64,
    /// The loops, outermost first; with several, only the last one's stride counts.
    pub(super) loops: Vec<usize>,
}

/// The loops of more than one round: those over output elements in the order in which the first output stands in memory, then those
/// inside, merged where possible.
pub(super) fn split(nest: &Nest) -> Vec<Dim> {
    let output = nest
        .outputs
        .first()
        .map(|(o, _)| &nest.operands[*o].coefficients);
    let stride = |d: &usize| -output.map_or(0, |c| c[*d].abs());
    let mut loops: Vec<usize> = (0..nest.sizes.len())
        .filter(|d| nest.sizes[*d] != 1)
        .collect();
    loops.sort_by_key(|d| {
        (
            !nest.parallel[*d],
            if nest.parallel[*d] { stride(d) } else { 0 },
        )
    });
    let mut dims: Vec<Dim> = vec![];
    for d in loops {
        let size = nest.sizes[d];
        match dims.last_mut() {
            Some(last) if merges(nest, last, d) => {
                last.size *= size;
                last.loops.push(d);
            }
            _ => dims.push(Dim {
                size,
                loops: vec![d],
            }),
        }
    }
    dims
}

fn merges(nest: &Nest, outer: &Dim, inner: usize) -> bool {
    let last = outer.loops[outer.loops.len() - 1];
    nest.parallel[last] == nest.parallel[inner]
        && !outer
            .loops
            .iter()
            .chain([&inner])
            .any(|d| nest.indexed.contains(d))
        && (nest.operands.iter().filter(|o| o.binding.is_some()))
            .all(|o| o.coefficients[last] == o.coefficients[inner] * nest.sizes[inner])
}

/// One output element of each output.
fn write_item(
    w: &mut Writer,
    nest: &Nest,
    device: &Device,
    dims: &[Dim],
    item: &Name,
) -> Result<(), String> {
    let mut body = Body::new(nest, device);
    let (outer, inner): (Vec<Dim>, Vec<Dim>) =
        (dims.iter().cloned()).partition(|d| nest.parallel[d.loops[0]]);
    enter(w, &mut body, &outer, item);
    if nest.parallel.contains(&false) {
        for (i, operand) in nest.operands.iter().enumerate() {
            // what a load reads may depend on the rounds that come
            if operand.binding.is_some() && !nest.loads.values().any(|load| *load == i) {
                body.places[i] = Some(body.begin(w, i)?);
            }
        }
        return reduce(w, &mut body, &inner);
    }
    let mut values = vec![];
    for (_, value) in &nest.outputs {
        values.push(body.value(w, *value)?);
    }
    for ((output, _), value) in nest.outputs.iter().zip(&values) {
        body.store(w, *output, value)?;
    }
    Ok(())
}

/// Sets the rounds of `outer` from the number of the output element.
pub(super) fn enter(w: &mut Writer, body: &mut Body, outer: &[Dim], item: &Name) {
    let mut rest = item.clone();
    for (i, dim) in outer.iter().enumerate().rev() {
        let round = if i == 0 {
            rest.clone()
        } else {
            w.rem(&rest, dim.size)
        };
        rest = if i == 0 { rest } else { w.div(&rest, dim.size) };
        body.rounds[dim.loops[dim.loops.len() - 1]] = Some(round);
    }
}

/// The outputs, begun with what is in them, over the rounds of `inner`.
fn reduce(w: &mut Writer, body: &mut Body, inner: &[Dim]) -> Result<(), String> {
    let outputs = body.nest.outputs.clone();
    let mut carried = vec![];
    for (output, _) in &outputs {
        let kind = Kind::of(body.nest.operands[*output].view.element)?;
        carried.push((kind.name(), body.element(w, *output)?));
    }
    let sums = rounds(w, body, inner, &carried)?;
    // what was computed in a loop is not visible after it
    for ((output, _), sum) in outputs.iter().zip(&sums) {
        body.store(w, *output, sum)?;
    }
    Ok(())
}

/// The loops `inner`, outermost first, with the body inside.
fn rounds(
    w: &mut Writer,
    body: &mut Body,
    inner: &[Dim],
    carried: &[(&'static str, Name)],
) -> Result<Vec<Name>, String> {
    let Some((dim, inner)) = inner.split_first() else {
        return step(w, body, carried);
    };
    let (first, last) = (w.int(0), w.int(dim.size));
    let entered = body.places.clone();
    let mut result = Ok(());
    let sums = w.each((&first, &last, 1), carried, |w, round, sums| {
        let d = dim.loops[dim.loops.len() - 1];
        body.rounds[d] = Some(round.clone());
        for (operand, place) in body.nest.operands.iter().zip(&mut body.places) {
            if let (Some(start), true) = (place.as_ref(), operand.coefficients[d] != 0) {
                *place = Some(w.mul_add(round, operand.coefficients[d], start));
            }
        }
        let carried: Vec<(&'static str, Name)> = (carried.iter().zip(sums))
            .map(|((ty, _), sum)| (*ty, sum.clone()))
            .collect();
        match rounds(w, body, inner, &carried) {
            Ok(next) => next,
            Err(error) => {
                result = Err(error);
                sums.to_vec()
            }
        }
    });
    body.places = entered;
    result.map(|()| sums)
}

/// One round: the body on the sums so far.
fn step(
    w: &mut Writer,
    body: &mut Body,
    carried: &[(&'static str, Name)],
) -> Result<Vec<Name>, String> {
    let nest = body.nest;
    for ((output, _), (_, sum)) in nest.outputs.iter().zip(carried) {
        let arguments = nest.arguments_of(*output);
        body.known
            .extend(arguments.map(|argument| (argument, sum.clone())));
    }
    let mut next = vec![];
    for (_, value) in &nest.outputs {
        next.push(body.value(w, *value)?);
    }
    Ok(next)
}
