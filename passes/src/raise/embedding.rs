//! Rows of a table by token id: `spec.embedding`.

use super::emit;
use super::graph::{Graph, Id, Node};
use super::index::{Atom, Ix};
use super::linear::{axes, dims, fused, is_parameter};
use super::root::Root;
use spec_dialect::ffi::{Attr, Op, Value};

/// Raises the root, if its elements are those of rows of a parameter that a tensor of integers names.
pub fn raise(g: &mut Graph, root: &Root) -> Option<()> {
    let (last, rest) = root.dims.split_last()?;
    let id = g.open(root.id)?;
    let id = g.closed(id);
    let Node::Elem(table, index) = g.node(id).clone() else {
        return None;
    };
    let [row, column] = &index[..] else {
        return None;
    };
    let whole = Ix::dim(*last, g.sizes[*last as usize]);
    let width = super::view::sizes(table)?;
    if !is_parameter(table) || *column != whole || width[1] != g.sizes[*last as usize] {
        return None;
    }
    if !row.terms.iter().any(|t| matches!(t.atom, Atom::Node(_))) {
        return None;
    }
    let row = g.int(row.clone());
    if dims(g, row).contains(last) {
        return None;
    }
    let tokens = fused(&axes(g, rest));
    let ids = ids(g, root, row, &tokens)?;
    let result = write(root, ids, table, tokens.1, width[1])?;
    root.builder()
        .replace(result, &root.axes(g), root.value, &root.axes(g))
}

/// The row numbers as a tensor of integers.
fn ids(g: &mut Graph, root: &Root, row: Id, tokens: &(Ix, i64)) -> Option<Value> {
    let b = root.builder();
    let axis = std::slice::from_ref(tokens);
    if let Node::Elem(v, _) = g.node(row)
        && matches!(v.ty().shape().element.bits(), 32 | 64)
        && let Some(ids) = b.tensor_of(g, row, axis)
    {
        return Some(ids);
    }
    emit::tensor_as(g, b, row, axis, "i64")
}

fn write(root: &Root, ids: Value, table: Value, rows: i64, width: i64) -> Option<Value> {
    let b = root.builder();
    let ty = b.tensor(&[rows, width], &root.element())?;
    let init = b.empty(ty)?;
    let attrs = [
        ("format", b.choice("format", "dense")?),
        ("group", Attr::i64(b.ctx(), 0)),
    ];
    b.op("spec.embedding", &[ids, table, init], &[ty], &attrs)
}

/// Raises `tensor.gather` of whole rows.
pub fn raise_gather(g: &mut Graph, op: Op) -> Option<()> {
    let root = Root::of(g, op)?;
    let (table, ids) = (op.operand(0)?, op.operand(1)?);
    let dims = op.attr("gather_dims")?.as_i64_array()?;
    let width = super::view::sizes(table)?;
    let sizes = super::view::sizes(ids)?;
    if dims != [0] || width.len() != 2 || sizes.last() != Some(&1) || !is_parameter(table) {
        return None;
    }
    let rows: i64 = sizes.iter().product();
    let b = root.builder();
    let mut ids = b.reshape(ids, &[rows])?;
    if !matches!(ids.ty().shape().element.bits(), 32 | 64)
        || ids.ty().shape().element == spec_dialect::ffi::Element::Index
    {
        let (_, ix) = g.new_dim(rows);
        let id = g.elem(ids, vec![ix.clone()]);
        ids = emit::tensor_as(g, b, id, &[(ix, rows)], "i64")?;
    }
    let result = write(&root, ids, table, rows, width[1])?;
    let result = b.reshape(result, &root.shape)?;
    root.value.replace_all_uses(result);
    Some(())
}

/// Raises a slice of one row of a table, if an element of a tensor of integers says which.
pub fn raise_slice(g: &mut Graph, op: Op) -> Option<()> {
    let table = op.operand(0)?;
    let slice = super::view::Slice::of(g, op)?;
    let width = super::view::sizes(table)?;
    let [_, columns] = width[..] else { return None };
    if !is_parameter(table)
        || slice.sizes != [1, columns]
        || slice.offsets[1].as_constant() != Some(0)
    {
        return None;
    }
    let row = g.int(slice.offsets[0].clone());
    let Node::Elem(ids, index) = g.node(row) else {
        return None;
    };
    let known = index.iter().all(|ix| ix.as_constant().is_some());
    if index.is_empty() || !known || !matches!(ids.ty().shape().element.bits(), 32 | 64) {
        return None;
    }
    let root = Root::of(g, op)?;
    let b = root.builder();
    let ids = b.tensor_of(g, row, &[(Ix::default(), 1)])?;
    let result = write(&root, ids, table, 1, columns)?;
    root.value.replace_all_uses(b.reshape(result, &root.shape)?);
    Some(())
}

/// Raises a loop that copies one row of a table a token, in order, into a new tensor.
pub fn raise_loop(op: Op) -> Option<()> {
    let constant = |v: Option<Value>| v?.def()?.attr("value")?.as_i64();
    let (lower, upper, step) = (
        constant(op.operand(0))?,
        constant(op.operand(1))?,
        constant(op.operand(2))?,
    );
    let body = op.body()?;
    let [counter, carried] = body.args()[..] else {
        return None;
    };
    let yielded = body.terminator()?.operand(0)?.def()?;
    if (lower, step) != (0, 1)
        || yielded.name() != "tensor.insert_slice"
        || yielded.operand(1) != Some(carried)
    {
        return None;
    }
    let row = yielded
        .operand(0)?
        .def()
        .filter(|o| o.name() == "tensor.extract_slice")?;
    let table = row.operand(0)?;
    let (width, shape) = (super::view::sizes(table)?, super::view::sizes(carried)?);
    let mut g = Graph::default();
    let (from, to) = (
        super::view::Slice::of(&mut g, row)?,
        super::view::Slice::of(&mut g, yielded)?,
    );
    let counter_id = g.scalar(counter);
    let place = [g.as_ix(counter_id), Ix::constant(0)];
    let [rows, columns] = shape[..] else {
        return None;
    };
    let fits = width.len() == 2 && width[1] == columns && rows == upper;
    if !fits
        || !is_parameter(table)
        || from.sizes != [1, columns]
        || to.sizes != [1, columns]
        || to.offsets != place
    {
        return None;
    }
    // the row is element `counter` of the ids
    let [t] = from.offsets[0].terms[..] else {
        return None;
    };
    let (Atom::Node(id), 0, 1) = (t.atom, from.offsets[0].base, t.scale) else {
        return None;
    };
    if from.offsets[1].as_constant() != Some(0) {
        return None;
    }
    let Node::Elem(ids, index) = g.node(id).clone() else {
        return None;
    };
    let counter_ix = g.as_ix(counter_id);
    let large = index.iter().filter(|ix| ix.as_constant() != Some(0));
    if large.collect::<Vec<_>>() != [&counter_ix]
        || !matches!(ids.ty().shape().element.bits(), 32 | 64)
        || is_inside(ids, op)
    {
        return None;
    }
    let value = op.results().next()?;
    if op.results().len() != 1 || super::view::sizes(ids)?.iter().product::<i64>() != rows {
        return None;
    }
    let root = Root::of_value(&mut g, op, value)?;
    let ids = root.builder().reshape(ids, &[rows])?;
    let result = write(&root, ids, table, rows, columns)?;
    value.replace_all_uses(result);
    Some(())
}

/// True if the value is made in the body of the op.
fn is_inside(value: Value, op: Op) -> bool {
    let mut at = value.def_block().and_then(|b| b.parent());
    while let Some(o) = at {
        if o == op {
            return true;
        }
        at = o.parent();
    }
    false
}
