//! Gathers the ops that one kernel of a GPU does together.
//!
//! *Before*: model ops on memrefs, in the order of the model.
//!
//! ```mlir
//! spec.norm rms eps 1.0e-05 ins(%x, %g : memref<1x64xf32>, memref<64xf32>) outs(%h : memref<1x64xf32>)
//! spec.linear out_in dense ins(%h, %gate : memref<1x64xf32>, memref<128x64xf32>) outs(%a : memref<1x128xf32>)
//! spec.linear out_in dense ins(%h, %up : memref<1x64xf32>, memref<128x64xf32>) outs(%b : memref<1x128xf32>)
//! spec.activation silu ins(%a : memref<1x128xf32>) gates(%b : memref<1x128xf32>) outs(%y : memref<1x128xf32>)
//! ```
//!
//! *After*: the same ops, those of one kernel side by side in a `spec.kernel`.
//!
//! ```mlir
//! spec.kernel {
//!   spec.norm rms ... outs(%alloc : memref<1x64xf32>)
//!   spec.linear out_in dense ins(%alloc, %arg2 ...
//!   spec.linear out_in dense ins(%alloc, %arg3 ...
//!   spec.activation silu ... outs(%arg4 : memref<1x128xf32>)
//! }
//! ```
//!
//! A group is the products that read the same activations; the normalisation in front of them, if nothing else reads its result and the rows fit
//! into workgroup memory; and of each product the op that alone reads its result: rotation, copy into a cache, activation, addition of
//! a residual.
//!
//! *Why here*: layouts are settled (`spec-forward-layouts`), so that what reads a product says where its rows go.
//!
//! *Legality*: the ops of a group move to one of them (to the last, if they can), past ops that touch none of their buffers. A buffer that only ops of the group
//! use is never written afterwards. `spec-lower-to-gpu` is asked whether it has a kernel for the group; an op that does not fit stays alone.
//!
//! *Options*: what the device offers.
//!
//! *Neighbours*: after `spec-forward-layouts`, before `spec-lower-to-gpu`.
//!
//! *Does not do*: it looks at entry blocks only.

use crate::cursor::Cursor;
use crate::gpu_device;
use crate::lower_to_gpu::{Effects, View, is_addition, products};
use spec_dialect::ffi::{Block, Ctx, Op, Options, Value, build_op, new_block};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use spec_kernels::gpu::Device;
use std::collections::{HashMap, HashSet};

/// The pass.
#[derive(Clone, Default)]
pub struct GroupKernels {
    device: Option<Device>,
}

impl Pass for GroupKernels {
    const DESC: PassDesc = PassDesc {
        argument: "spec-group-kernels",
        name: "SpecGroupKernels",
        help: "Gather the ops that one kernel of a GPU does together",
        op: "func.func",
        dialects: &[Dependency::Memref, Dependency::Spec],
        options: gpu_device::OPTIONS,
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.device = Some(gpu_device::from_options(options)?);
        Ok(())
    }

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let (Some(body), Some(device)) = (function.body(), &self.device) else {
            return Ok(());
        };
        let mut seen = HashSet::new();
        let mut block = Straight::new(body);
        while let Some((group, anchor)) = block.next_group(device, &mut seen) {
            wrap(&group, anchor);
            block = Straight::new(body);
        }
        Ok(())
    }
}

/// Moves `group` into a new `spec.kernel` in the place of its op `anchor`.
fn wrap(group: &[Op], anchor: Op) {
    let block = new_block(&[], anchor.loc());
    let kernel = build_op("spec.kernel", anchor.loc(), &[], &[], &[], &[vec![block]]);
    let kernel = kernel.unwrap_or_else(|| panic!("MLIR refused a spec.kernel"));
    Cursor::before(anchor).insert(kernel);
    let Some(body) = kernel.body() else {
        return;
    };
    for op in group {
        hoist(*op, kernel);
        op.move_to_end(body);
    }
}

/// Moves views, buffers and values that `op` needs, and that stand behind `place`, in front of it.
fn hoist(op: Op, place: Op) {
    for def in op.operands().filter_map(Value::def).collect::<Vec<_>>() {
        if is_movable(def) && stands_behind(def, place) {
            hoist(def, place);
            def.move_before(place);
        }
    }
}

fn stands_behind(op: Op, place: Op) -> bool {
    let ops = place.block().map(|b| b.ops()).unwrap_or_default();
    let at = |wanted: Op| ops.iter().position(|o| *o == wanted);
    at(op).zip(at(place)).is_some_and(|(op, place)| op > place)
}

/// Ops that stand for a place or a constant, and may stand anywhere.
fn is_movable(op: Op) -> bool {
    matches!(
        op.name(),
        "memref.alloc"
            | "memref.get_global"
            | "memref.subview"
            | "memref.expand_shape"
            | "memref.collapse_shape"
            | "memref.cast"
            | "memref.transpose"
            | "memref.reinterpret_cast"
            | "arith.constant"
    )
}

/// An entry block and what its ops touch.
struct Straight {
    ops: Vec<Op>,
    place: HashMap<Op, usize>,
    effects: Vec<Effects>,
    /// For each root, the ops that read it and those that write it.
    readers: HashMap<Value, Vec<Op>>,
    writers: HashMap<Value, Vec<Op>>,
}

impl Straight {
    fn new(body: Block) -> Straight {
        let ops = body.ops();
        let effects: Vec<Effects> = ops.iter().map(|o| Effects::of(*o)).collect();
        let (mut readers, mut writers): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) =
            Default::default();
        for (op, effects) in ops.iter().zip(&effects) {
            effects
                .reads
                .iter()
                .for_each(|v| readers.entry(*v).or_default().push(*op));
            effects
                .writes
                .iter()
                .for_each(|v| writers.entry(*v).or_default().push(*op));
        }
        Straight {
            place: ops.iter().enumerate().map(|(i, o)| (*o, i)).collect(),
            ops,
            effects,
            readers,
            writers,
        }
    }

    /// The next ops that become a group of at least two, around a product that was not `seen` yet.
    fn next_group(&self, device: &Device, seen: &mut HashSet<Op>) -> Option<(Vec<Op>, Op)> {
        let mut linears = self
            .ops
            .iter()
            .copied()
            .filter(|o| o.name() == "spec.linear");
        linears.find_map(|first| {
            let group = seen.insert(first).then(|| self.group_of(first, device))?;
            let anchor = self.anchor(&group)?;
            (group.len() > 1).then_some((group, anchor))
        })
    }

    /// The largest group around `first`, the first of the products of its activations.
    fn group_of(&self, first: Op, device: &Device) -> Vec<Op> {
        let mut group = vec![first];
        let Some(x) = first.operand(0).and_then(|v| View::of(v).ok()) else {
            return group;
        };
        let siblings = |o: &Op| {
            let same = o
                .operand(0)
                .and_then(|v| View::of(v).ok())
                .is_some_and(|v| v == x);
            o.name() == "spec.linear" && *o != first && same
        };
        let alike: Vec<Op> = self.ops.iter().copied().filter(siblings).collect();
        for sibling in alike {
            self.try_add(&mut group, &[sibling], device);
        }
        for reader in self.sole_readers(&group) {
            self.try_add(&mut group, &[reader], device);
        }
        self.add_norm(&mut group, x.root, device);
        group
    }

    /// Adds the normalisation that writes `x`, if only the group reads it.
    fn add_norm(&self, group: &mut Vec<Op>, x: Value, device: &Device) {
        let writers = self.writers.get(&x).map_or(&[][..], Vec::as_slice);
        let readers = self.readers.get(&x).map_or(&[][..], Vec::as_slice);
        if let [norm] = writers
            && norm.name() == "spec.norm"
            && is_local(x)
            && readers.iter().all(|r| group.contains(r))
        {
            self.try_add(group, &[*norm], device);
        }
    }

    /// Ops that are the only ones to read a product of `group`, which nothing else writes.
    fn sole_readers(&self, group: &[Op]) -> Vec<Op> {
        let mut found: Vec<Op> = vec![];
        for linear in group {
            let y = linear.operands().last().and_then(|v| View::of(v).ok());
            let Some(y) = y.map(|v| v.root).filter(|y| is_local(*y)) else {
                continue;
            };
            let one = |list: &HashMap<Value, Vec<Op>>| {
                list.get(&y).filter(|l| l.len() == 1).map(|l| l[0])
            };
            if one(&self.writers) != Some(*linear) {
                continue;
            }
            let Some(reader) = one(&self.readers) else {
                continue;
            };
            let fits = matches!(
                reader.name(),
                "spec.rope" | "spec.activation" | "memref.copy"
            ) || is_addition(reader);
            if fits && !found.contains(&reader) {
                found.push(reader);
            }
        }
        found
    }

    /// Adds `ops` if the group then still can be gathered and has a kernel.
    fn try_add(&self, group: &mut Vec<Op>, ops: &[Op], device: &Device) {
        let mut larger = group.clone();
        larger.extend(ops);
        larger.sort_by_key(|o| self.place.get(o));
        let has_kernel = || {
            let request = products(&larger).ok()?;
            let few = request.kernel.bindings().len() <= device.bindings as usize;
            (few && request.kernel.emit(device).is_ok()).then_some(())
        };
        if self.anchor(&larger).is_some() && has_kernel().is_some() {
            *group = larger;
        }
    }

    /// The op of `group` to which all others can move; the last that there is.
    fn anchor(&self, group: &[Op]) -> Option<Op> {
        let places: Vec<usize> = group
            .iter()
            .filter_map(|o| self.place.get(o).copied())
            .collect();
        let fits = |anchor: usize| places.iter().all(|p| self.can_move(*p, anchor, &places));
        let anchor = places.iter().rev().find(|anchor| fits(**anchor))?;
        Some(self.ops[*anchor])
    }

    /// Whether the op at `from` can move to `to`, past all ops in between but those of the group.
    fn can_move(&self, from: usize, to: usize, group: &[usize]) -> bool {
        let between = from.min(to)..=from.max(to);
        let mut others = between.filter(|i| !group.contains(i));
        let commutes = others.all(|other| self.effects[from].commutes(&self.effects[other]));
        commutes && (from <= to || self.has_operands(self.ops[from], to))
    }

    /// Whether what `op` needs stands in front of `place`, or can move there.
    fn has_operands(&self, op: Op, place: usize) -> bool {
        let defs: Vec<Op> = op.operands().filter_map(Value::def).collect();
        defs.into_iter().all(|def| {
            let before = self.place.get(&def).is_none_or(|p| *p < place);
            before || (is_movable(def) && self.has_operands(def, place))
        })
    }
}

/// Whether a root belongs to the function alone: nobody sees what is left in it.
fn is_local(root: Value) -> bool {
    root.def().is_some_and(|op| op.name() == "memref.alloc")
}
