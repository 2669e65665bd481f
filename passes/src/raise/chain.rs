//! Caches that are taken apart by layer, updated and put together again: the new rows go into the whole cache instead, one
//! `tensor.insert_slice` after another, and layers are read from it. Then nothing is copied.

use super::build::Builder;
use super::eval::{Env, Val, eval};
use super::graph::{Graph, Node};
use super::index::{Atom, Ix, linear};
use super::view::{self, Slice};
use rustc_hash::FxHashMap;
use spec_dialect::ffi::{Op, Value};

/// New rows in one layer of a whole cache.
struct Layer {
    /// The op that inserts the rows into the layer.
    op: Op,
    /// The whole cache that the layer is from.
    whole: Value,
    /// Dimensions of the layer.
    dims: Vec<u32>,
    /// Indices in the whole cache of an element of the layer.
    index: Vec<Ix>,
    /// Where the rows are in the layer.
    rows: Slice,
}

impl Layer {
    /// The layer that an `insert_slice` of rows makes, if it is a part of a larger value of the program.
    fn of(g: &mut Graph, op: Op) -> Option<Layer> {
        let value = op.results().next()?;
        let shape = view::sizes(value)?;
        let (dims, own): (Vec<u32>, Vec<Ix>) = shape.iter().map(|s| g.new_dim(*s)).unzip();
        let before = g.elem(op.operand(1)?, own);
        let Node::Elem(whole, index) = g.node(before).clone() else {
            return None;
        };
        let rows = Slice::of(g, op)?;
        let fits = rows.strides.iter().all(|s| *s == 1)
            && whole.ty().shape().element == value.ty().shape().element;
        let larger = view::sizes(whole)?.iter().product::<i64>() > shape.iter().product::<i64>();
        (fits && larger).then_some(Layer {
            op,
            whole,
            dims,
            index,
            rows,
        })
    }

    /// Where an element of the layer is in the whole cache, for an index in the layer.
    fn at(&self, layer: &[Ix]) -> Option<Vec<Ix>> {
        let place = |ix: &Ix| {
            let mut by = self.dims.iter().zip(layer);
            by.try_fold(ix.clone(), |ix, (d, by)| ix.substitute(*d, by))
        };
        self.index.iter().map(place).collect()
    }

    /// Inserts the rows into `into`, which holds the layer as the whole cache does, and reads the layer from there.
    fn write(&self, g: &mut Graph, into: Value) -> Option<Value> {
        let b = Builder { before: self.op };
        let layer = self.op.results().next()?;
        let shape = view::sizes(layer)?;
        let (mut offsets, mut sizes, mut start, mut box_sizes) = (vec![], vec![], vec![], vec![]);
        let mut shown = vec![];
        for ix in &self.index {
            let (moving, fixed) = ix.split();
            let own = self.dims.iter().position(|d| {
                Ix::dim(*d, g.sizes[*d as usize]) == moving && !moving.terms.is_empty()
            });
            if own.is_none() && !moving.terms.is_empty() {
                return None;
            }
            offsets.push(own.map_or(fixed.clone(), |j| fixed.add(&self.rows.offsets[j])));
            sizes.push(own.map_or(1, |j| self.rows.sizes[j]));
            start.push(fixed);
            box_sizes.push(own.map_or(1, |j| shape[j]));
            shown.push(own);
        }
        let order: Vec<usize> = shown.iter().flatten().copied().collect();
        let large = (0..shape.len()).filter(|j| shape[*j] > 1);
        if !order.is_sorted() || !large.clone().all(|j| order.contains(&j)) {
            return None;
        }
        let part: Vec<i64> = order.iter().map(|j| self.rows.sizes[*j]).collect();
        let rows = b.reshape(self.op.operand(0)?, &part)?;
        let updated = b.insert(g, rows, into, &offsets, &sizes)?;
        let keep: Vec<bool> = shown.iter().map(Option::is_some).collect();
        let read = b.slice(g, updated, &start, &box_sizes, &keep)?;
        layer.replace_all_uses(b.reshape(read, &shape)?);
        Some(updated)
    }
}

/// Positions of ops in their blocks.
#[derive(Default)]
struct Order(FxHashMap<Op, (usize, usize)>);

impl Order {
    fn of(function: Op) -> Self {
        let mut all = FxHashMap::default();
        let mut todo = vec![function];
        let mut blocks = 0;
        while let Some(op) = todo.pop() {
            for block in op.blocks() {
                blocks += 1;
                for (i, inner) in block.ops().into_iter().enumerate() {
                    all.insert(inner, (blocks, i));
                    if !inner.name().starts_with("linalg.") {
                        todo.push(inner);
                    }
                }
            }
        }
        Order(all)
    }

    /// True if a value is there before an op of the same block, or comes from outside of it.
    fn before(&self, value: Value, op: Op) -> bool {
        match (value.def(), self.0.get(&op)) {
            (None, _) => true,
            (Some(def), Some((block, at))) => match self.0.get(&def) {
                Some((b, i)) => b != block || i < at,
                None => false,
            },
            _ => false,
        }
    }

    /// A new op stands in front of an old one.
    fn place(&mut self, value: Value, before: Op) {
        if let (Some(new), Some((block, at))) = (value.def(), self.0.get(&before).copied()) {
            self.0.insert(new, (block, at.saturating_sub(1)));
        }
    }
}

/// Rewrites all caches of a function; the number of layers that were.
pub fn raise(function: Op) -> usize {
    let mut order = Order::of(function);
    let mut ops: Vec<Op> = order.0.keys().copied().collect();
    ops.sort_by_key(|o| order.0[o]);
    let mut count = 0;
    for op in ops {
        let done = match op.name() {
            "tensor.insert_slice" => inserted(op, &mut order).map(|()| 1),
            "tensor.concat" => concatenated(op, &mut order),
            _ => None,
        };
        count += done.unwrap_or(0);
    }
    count
}

/// The update of a layer that a value is a view of, and the index in it of an element of the value.
fn updated_layer(g: &mut Graph, value: Value, index: Vec<Ix>) -> Option<(Layer, Vec<Ix>)> {
    let id = g.elem(value, index);
    let Node::Elem(layer, index) = g.node(id).clone() else {
        return None;
    };
    let op = layer.def().filter(|o| o.name() == "tensor.insert_slice")?;
    Some((Layer::of(g, op)?, index))
}

/// A layer that is inserted back into the cache.
fn inserted(op: Op, order: &mut Order) -> Option<()> {
    let mut g = Graph::default();
    let (part, into) = (op.operand(0)?, op.operand(1)?);
    let shape = view::sizes(part)?;
    let index: Vec<Ix> = shape.iter().map(|s| g.new_dim(*s).1).collect();
    let (layer, at) = updated_layer(&mut g, part, index.clone())?;
    let slice = Slice::of(&mut g, op)?;
    if slice.strides.iter().any(|s| *s != 1) || layer.op.block() != op.block() {
        return None;
    }
    let place = slice.source_index(&shape, &index);
    let old = layer.at(&at)?;
    if place != old || into.ty() != layer.whole.ty() || !order.before(into, layer.op) {
        return None;
    }
    // what is overwritten is the layer as it was
    let (there, here) = (g.elem(into, place.clone()), g.elem(layer.whole, old));
    if there != here {
        carried(&mut g, op, into, &layer, &slice, &shape)?;
    }
    let updated = layer.write(&mut g, into)?;
    order.place(updated, layer.op);
    op.results().next()?.replace_all_uses(updated);
    Some(())
}

/// A loop that puts layers together in a new tensor, all of them, in order: it starts from the old cache instead.
fn carried(
    g: &mut Graph,
    op: Op,
    into: Value,
    layer: &Layer,
    slice: &Slice,
    part: &[i64],
) -> Option<()> {
    let block = into.arg_block()?;
    let parent = block.parent().filter(|p| p.name() == "scf.for")?;
    let argument = into.index().checked_sub(1)?;
    let value = op.results().next()?;
    let yielded = block.terminator()?.operand(argument)? == value && value.uses().len() == 1;
    let outside =
        layer.whole.def_block().is_some_and(|b| b != block) && !is_below(layer.whole, parent);
    if !yielded || into.uses().len() != 1 || !outside {
        return None;
    }
    let constant = |v: Option<Value>| v?.def()?.attr("value")?.as_i64();
    let bounds = (
        constant(parent.operand(0))?,
        constant(parent.operand(1))?,
        constant(parent.operand(2))?,
    );
    let whole = view::sizes(layer.whole)?;
    let kept = slice.kept(part);
    let step = (0..whole.len())
        .find(|d| slice.offsets[*d].as_constant() != Some(0) || slice.sizes[*d] != whole[*d])?;
    let rest = (0..whole.len()).filter(|d| *d != step);
    let complete = |d: usize| {
        slice.offsets[d].as_constant() == Some(0)
            && slice.sizes[d] == whole[d]
            && (kept[d].is_some() || whole[d] == 1)
    };
    if bounds != (0, whole[step], 1) || slice.sizes[step] != 1 || !rest.into_iter().all(complete) {
        return None;
    }
    let counter = g.scalar(block.args()[0]);
    let number = g.int(slice.offsets[step].clone());
    let counts = |i: i64| {
        eval(
            g,
            number,
            &Env {
                symbol: Some((counter, i)),
                ..Env::default()
            },
        ) == Some(Val::Int(i))
    };
    if whole[step] > super::mask::MOST_POINTS || !(0..whole[step]).all(counts) {
        return None;
    }
    parent.set_operand(argument + 3, layer.whole);
    Some(())
}

/// True if the value is made in a region of the op.
fn is_below(value: Value, op: Op) -> bool {
    let mut at = value.def_block().and_then(|b| b.parent());
    while let Some(o) = at {
        if o == op {
            return true;
        }
        at = o.parent();
    }
    false
}

/// All layers of a cache, put together again.
fn concatenated(op: Op, order: &mut Order) -> Option<usize> {
    let mut g = Graph::default();
    let value = op.results().next()?;
    let total = view::sizes(value)?;
    let along = op.attr("dim")?.as_i64()? as usize;
    let mut layers = vec![];
    let mut start = 0;
    for part in op.operands() {
        let shape = view::sizes(part)?;
        let index: Vec<Ix> = shape.iter().map(|s| g.new_dim(*s).1).collect();
        let (layer, at) = updated_layer(&mut g, part, index.clone())?;
        let mut place = index;
        place[along] = place[along].plus(start);
        start += shape[along];
        let whole = view::sizes(layer.whole)?;
        if linear(&place, &total) != linear(&layer.at(&at)?, &whole) || !is_fixed(&layer) {
            return None;
        }
        layers.push(layer);
    }
    let first = layers.first()?;
    let (whole, sizes) = (first.whole, view::sizes(first.whole)?);
    let one = layers
        .iter()
        .all(|l| l.whole == whole && l.op.block() == first.op.block());
    if !one
        || sizes.iter().product::<i64>() != total.iter().product::<i64>()
        || first.op.block() != op.block()
    {
        return None;
    }
    layers.sort_by_key(|l| order.0.get(&l.op).copied());
    let distinct = layers.windows(2).all(|w| w[0].op != w[1].op);
    if !distinct || !layers.iter().all(|l| order.before(whole, l.op)) {
        return None;
    }
    let mut current = whole;
    for layer in &layers {
        current = layer.write(&mut g, current)?;
        order.place(current, layer.op);
    }
    let b = Builder { before: op };
    value.replace_all_uses(b.reshape(current, &total)?);
    Some(layers.len())
}

/// True if the layer's place in the cache is constant.
fn is_fixed(layer: &Layer) -> bool {
    let moves = |t: &super::index::Term| matches!(t.atom, Atom::Node(_));
    !layer.index.iter().any(|ix| ix.terms.iter().any(moves))
}
