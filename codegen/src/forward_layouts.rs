//! Pure layout work disappears where the reader or the writer can take strides.
//!
//! *Before*: transpositions and copies between buffers.
//!
//! ```mlir
//! func.func @f(%q: memref<3x4x8xf32>, %k: memref<2x3x8xf32>, %c: memref<3x4xf32>, %s: memref<3x4xf32>, %cache: memref<2x16x8xf32>, %y: memref<4x3x8xf32>) {
//!   %0 = memref.alloc() : memref<4x3x8xf32>
//!   linalg.transpose ins(%q : memref<3x4x8xf32>) outs(%0 : memref<4x3x8xf32>) permutation = [1, 0, 2]
//!   spec.rope half token_dim 1 ins(%0, %c, %s : memref<4x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%y : memref<4x3x8xf32>)
//!   %1 = memref.alloc() : memref<2x3x8xf32>
//!   spec.rope half token_dim 1 ins(%k, %c, %s : memref<2x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%1 : memref<2x3x8xf32>)
//!   %2 = memref.subview %cache[0, 5, 0] [2, 3, 8] [1, 1, 1] : memref<2x16x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: 40>>
//!   memref.copy %1, %2 : memref<2x3x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: 40>>
//!   return
//! }
//! ```
//!
//! *After*: readers read the source (`%0` is a view), writers write to where the copy went.
//!
//! ```mlir
//! func.func @f(%q: memref<3x4x8xf32>, %k: memref<2x3x8xf32>, %c: memref<3x4xf32>, %s: memref<3x4xf32>, %cache: memref<2x16x8xf32>, %y: memref<4x3x8xf32>) {
//!   %0 = memref.transpose %q (d0, d1, d2) -> (d1, d0, d2) : memref<3x4x8xf32> to memref<4x3x8xf32, strided<[8, 32, 1]>>
//!   spec.rope half token_dim 1 ins(%0, %c, %s : memref<4x3x8xf32, strided<[8, 32, 1]>>, memref<3x4xf32>, memref<3x4xf32>) outs(%y : memref<4x3x8xf32>)
//!   %1 = memref.subview %cache[0, 5, 0] [2, 3, 8] [1, 1, 1] : memref<2x16x8xf32> to memref<2x3x8xf32, strided<[128, 8, 1], offset: 40>>
//!   spec.rope half token_dim 1 ins(%k, %c, %s : memref<2x3x8xf32>, memref<3x4xf32>, memref<3x4xf32>) outs(%1 : memref<2x3x8xf32, strided<[128, 8, 1], offset: 40>>)
//!   return
//! }
//! ```
//!
//! *Why here*: on tensors a transposition is a value of its own; on memrefs it is a matter of strides, which kernels take at no cost.
//!
//! *Legality*: an allocation becomes a view of the other side of the copy, if all its users take the strides (model ops and linalg ops: the
//! elements of a row stay side by side; weights, tables, ids and masks stay contiguous). *Readers*: the copy alone writes to the allocation, all
//! reads are behind it, and nothing writes to the source up to the last of them. *Writers*: from the first use of the allocation to the
//! copy nothing else touches the destination, and from there to the allocation's last use nothing writes to either; the ops that
//! compute the destination's place move up. Arguments of the function are distinct buffers, and overlap no allocation and no global;
//! subviews with disjoint static offsets do not overlap. What an unknown op may touch stays as it is. Allocations that are returned, or
//! go into loops, are left alone. No element is computed otherwise.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `one-shot-bufferize` and `canonicalize`, before `spec-plan-memory`, which finds fewer buffers to place.
//!
//! *Does not do*: the result of a `spec.linear` is a matrix, and no matrix's rows are the heads of several tokens in a cache: that copy stays.

mod copies;
mod dead;
mod layout;
mod memory;
mod order;
mod readers;
mod route;

use crate::cursor::{Cursor, result};
use copies::Copy;
use layout::Layout;
use memory::{is_alloc, root};
use order::Order;
use readers::Uses;
use route::Route;
use spec_dialect::ffi::{Block, Op, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use std::collections::HashMap;

/// The pass.
#[derive(Clone, Default)]
pub struct ForwardLayouts;

impl Pass for ForwardLayouts {
    const DESC: PassDesc = PassDesc {
        argument: "spec-forward-layouts",
        name: "SpecForwardLayouts",
        help: "Transpositions and copies to strided views",
        op: "func.func",
        dialects: &[Dependency::Memref],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        // bodies of linalg ops move no memory, and may go with their op
        let owners = (function.nested().into_iter()).filter(|o| !o.name().starts_with("linalg."));
        for block in owners.flat_map(Op::blocks).collect::<Vec<_>>() {
            while forward_in(block) {}
        }
        dead::erase_unread(function);
        Ok(())
    }
}

/// Forwards the copies of a block, one after the other; whether there were any that could be.
fn forward_in(block: Block) -> bool {
    let copies: Vec<Copy> = block.ops().into_iter().filter_map(Copy::of).collect();
    let mut order = Order::of(block);
    let mut any = false;
    for copy in copies {
        // views in front of the copy may have been replaced
        let Some(copy) = Copy::of(copy.op) else {
            continue;
        };
        let found = for_readers(&copy, &order).or_else(|| for_writers(&copy, &order));
        if let Some(change) = found {
            change.apply(copy.op, &order);
            order = Order::of(block);
            any = true;
        }
    }
    any
}

/// A buffer that becomes a view of a place.
struct Change {
    buffer: Value,
    place: Value,
    route: Route,
    uses: Uses,
    /// Where the view goes: in front of this op.
    at: usize,
    /// What must be there.
    hoist: Vec<Op>,
}

/// The buffer that `view` is all of, and the layouts of both. It must be an allocation of the block.
fn buffer_of(view: Value, order: &Order) -> Option<(Value, Layout, Layout)> {
    let buffer = root(view);
    let alloc = buffer.def().filter(|_| is_alloc(buffer))?;
    let ctx = alloc.ctx();
    let layouts = (Layout::of(ctx, buffer.ty())?, Layout::of(ctx, view.ty())?);
    order.holds(alloc).then_some((buffer, layouts.0, layouts.1))
}

/// The readers of the copy read its source instead.
fn for_readers(copy: &Copy, order: &Order) -> Option<Change> {
    let (buffer, layout, view) = buffer_of(copy.target, order)?;
    let source = Layout::of(copy.op.ctx(), copy.source.ty())?;
    if root(copy.source) == buffer {
        return None;
    }
    let route = Route::new(&source, &copy.order, &view, &layout)?;
    let uses = Uses::of(buffer, route.end(), copy.op)?;
    let at = order.place(copy.op)?;
    let mut last = at;
    for effect in &uses.effects {
        let place = order.place(effect.op)?;
        if effect.writes || place <= at {
            return None;
        }
        last = last.max(place);
    }
    let stays = order.leaves(at + 1..last + 1, copy.source, true, None);
    let change = Change {
        buffer,
        place: copy.source,
        route,
        uses,
        at,
        hoist: vec![],
    };
    (stays && change.fits(order)).then_some(change)
}

/// The writers of the copy's source write to its target instead.
fn for_writers(copy: &Copy, order: &Order) -> Option<Change> {
    let (buffer, layout, view) = buffer_of(copy.source, order)?;
    let target = Layout::of(copy.op.ctx(), copy.target.ty())?;
    if root(copy.target) == buffer {
        return None;
    }
    let route = Route::new(&target, &copy.back(), &view, &layout)?;
    let uses = Uses::of(buffer, route.end(), copy.op)?;
    let copied = order.place(copy.op)?;
    let (mut first, mut last) = (copied, copied);
    for effect in &uses.effects {
        let place = order.place(effect.op)?;
        if place == copied || (effect.writes && place > copied) {
            return None;
        }
        (first, last) = (first.min(place), last.max(place));
    }
    let is_free = first < copied
        && order.leaves(first..copied, copy.target, false, Some(buffer))
        && order.leaves(copied + 1..last + 1, copy.target, true, Some(buffer));
    let hoist = order.to_hoist(copy.target, first).filter(|_| is_free)?;
    let change = Change {
        buffer,
        place: copy.target,
        route,
        uses,
        at: first,
        hoist,
    };
    change.fits(order).then_some(change)
}

impl Change {
    /// Whether every view is behind the new one, or can move there.
    fn fits(&self, order: &Order) -> bool {
        let views = &mut self.uses.views.iter();
        views.all(|(op, _)| order.holds(*op) || order.place(*op).is_some_and(|p| p >= self.at))
    }

    fn apply(&self, copy: Op, order: &Order) {
        let at = order.op(self.at);
        self.hoist.iter().for_each(|op| op.move_before(at));
        let new = self.route.emit(Cursor::before(at), self.place);
        let mut now: HashMap<Value, Value> = HashMap::from([(self.buffer, new)]);
        for (view, layout) in &self.uses.views {
            let is_behind = order.place(*view).is_some_and(|p| p >= self.at);
            let cursor = Cursor::before(if is_behind { *view } else { at });
            let value = again(cursor, *view, layout, &now);
            now.insert(result(*view, 0), value);
        }
        for effect in &self.uses.effects {
            if let Some(value) = now.get(&effect.value) {
                effect.op.set_operand(effect.operand, *value);
            }
        }
        copy.erase();
        if let Some(alloc) = self.buffer.def() {
            dead::erase_views(alloc);
            alloc.erase();
        }
    }
}

/// `view` once more, of what its source is now.
fn again(at: Cursor, view: Op, layout: &Layout, now: &HashMap<Value, Value>) -> Value {
    let operands: Vec<Value> = (view.operands())
        .map(|v| now.get(&v).copied().unwrap_or(v))
        .collect();
    let ty = layout.ty(view.ctx());
    let ty = ty.unwrap_or_else(|| panic!("no type for {layout:?}"));
    at.one(view.name(), &operands, ty, &view.attrs())
}
