//! Copies that move 16 bytes an invocation.

use super::body::Body;
use super::loops::{Dim, WORKGROUP, enter, split};
use super::nest::{Nest, Source};
use spec_kernels::gpu::{Binding, Device, Emitted, Width, Writer};

/// The text of a copy whose rows are side by side on both ends and begin at multiples of 16 bytes; none if it is not one.
pub(super) fn emit(nest: &Nest, bindings: &[Binding], device: &Device) -> Option<Emitted> {
    let [(output, value)] = nest.outputs[..] else {
        return None;
    };
    let Some(Source::Element(input)) = nest.arguments.get(&value).copied() else {
        return None;
    };
    let mut dims = split(nest);
    let nest = widened(nest, &mut dims, [input, output])?;
    let width = |i| match nest
        .operands
        .iter()
        .any(|o| o.binding == Some(i) && o.unit > 1)
    {
        true => Width::Sixteen,
        false => Width::One,
    };
    let bindings: Vec<(Binding, Width)> = bindings
        .iter()
        .enumerate()
        .map(|(i, b)| (*b, width(i)))
        .collect();
    let mut w = Writer::new(device, WORKGROUP, &bindings).ok()?;
    let items: i64 = dims.iter().map(|d| d.size).product();
    let mut result = Ok(());
    let groups = w.each_item(items, |w, item| {
        let mut body = Body::new(&nest, device);
        enter(w, &mut body, &dims, item);
        result = copy(w, &mut body, input, output);
    });
    result.ok()?;
    w.finish(groups).ok()
}

fn copy(w: &mut Writer, body: &mut Body, input: usize, output: usize) -> Result<(), String> {
    let (from, to) = (body.begin(w, input)?, body.begin(w, output)?);
    let moved = w.raw(body.nest.binding_of(input)?, &from);
    w.store_raw(body.nest.binding_of(output)?, &to, &moved);
    Ok(())
}

/// The nest with 16 bytes a round of the innermost dimension.
fn widened(nest: &Nest, dims: &mut [Dim], moved: [usize; 2]) -> Option<Nest> {
    let [from, to] = moved.map(|i| nest.operands[i].view.element);
    let inner = dims.last_mut()?;
    let d = *inner.loops.last()?;
    let unit = 16 / nest.operands[moved[0]].view.element_bytes();
    if from != to || nest.parallel.contains(&false) || inner.size % unit != 0 {
        return None;
    }
    let users = |b| nest.operands.iter().filter(|o| o.binding == b).count();
    if moved.iter().any(|i| users(nest.operands[*i].binding) > 1) {
        return None;
    }
    inner.size /= unit;
    let entered: Vec<usize> = dims
        .iter()
        .filter_map(|d| d.loops.last().copied())
        .collect();
    let mut wide = nest.clone();
    for i in moved {
        let operand = &mut wide.operands[i];
        let is_dense = operand.coefficients[d] == 1;
        operand.coefficients[d] = unit;
        operand.unit = unit;
        let strides: Vec<i64> = entered.iter().map(|d| operand.coefficients[*d]).collect();
        if !is_dense || operand.constant % unit != 0 || !operand.view.is_aligned(&strides) {
            return None;
        }
    }
    Some(wide)
}
