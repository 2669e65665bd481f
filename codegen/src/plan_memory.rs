//! Gives every buffer of a function a place: results go where the caller wants them, everything else into one workspace.
//!
//! *Before*: functions on memrefs, as bufferization leaves them.
//!
//! ```mlir
//! func.func @f(%x: memref<4xf32>, %k: memref<8xf32>) -> (memref<4xf32>, memref<8xf32>) {
//!   %a = memref.alloc() : memref<4xf32>
//!   linalg.copy ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
//!   %b = memref.alloc() : memref<4xf32>
//!   linalg.copy ins(%a : memref<4xf32>) outs(%b : memref<4xf32>)
//!   return %b, %k : memref<4xf32>, memref<8xf32>
//! }
//! ```
//!
//! *After*: no allocation, no results. An argument for each result that is not an argument itself, and the workspace, are added.
//!
//! ```mlir
//! func.func @f(%x: memref<4xf32>, %k: memref<8xf32>, %out: memref<4xf32>, %workspace: memref<128xi8>)
//!     attributes {result_arguments = array<i64: 2, 1>, workspace_bytes = 128 : i64} {
//!   %c64 = arith.constant 64 : index
//!   %a = memref.view %workspace[%c64][] : memref<128xi8> to memref<4xf32>
//!   linalg.copy ins(%x : memref<4xf32>) outs(%a : memref<4xf32>)
//!   linalg.copy ins(%a : memref<4xf32>) outs(%out : memref<4xf32>)
//!   return
//! }
//! ```
//!
//! *Why here*: a call then allocates nothing, and may run on any thread with a workspace of its own.
//!
//! *Legality*: two buffers share memory only if no op (by its place in the entry block, loops counting as one op) uses one, through
//! any view of it, between the first and last use of the other. A buffer allocated in a loop gets one place for all trips; bufferization
//! does not let it leave the loop. Sizes must be static. An argument that bufferization used as scratch
//! memory (`writable_arguments` of `spec-prepare-entry`, but no result) is copied first.
//!
//! *Options*: `alignment` of the places, in bytes (64: a cache line, and the widest vector); `places=false`: results to arguments only, for passes in between that still make buffers; a second run gives the places.
//!
//! *Neighbours*: after `one-shot-bufferize` and the inliner, before `spec-share-layers`. The first `alignment` bytes of the workspace are left to
//! `spec-c-abi`, for the status.
//!
//! *Does not do*: it does not look into functions that others call; it is meant for entries.

mod arena;
mod protect;
mod results;

use crate::cursor::Cursor;
use crate::prepare_entry::WRITABLE_ARGUMENTS;
use arena::{Buffer, assign};
pub(crate) use results::add_argument;
use spec_dialect::ffi::{Attr, Ctx, Op, OptionKind, Options, Type, Value};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, Pass, PassDesc};
use std::collections::{HashMap, HashSet};

/// Attribute of a function: for each result, the argument that holds it.
pub(crate) const RESULT_ARGUMENTS: &str = "result_arguments";
/// Attribute of a function: bytes of its last argument, the workspace.
pub(crate) const WORKSPACE_BYTES: &str = "workspace_bytes";

/// The pass.
#[derive(Clone, Default)]
pub struct PlanMemory {
    results_only: bool,
    alignment: u64,
}

impl Pass for PlanMemory {
    const DESC: PassDesc = PassDesc {
        argument: "spec-plan-memory",
        name: "SpecPlanMemory",
        help: "Results to arguments, allocations to places in one workspace",
        op: "func.func",
        dialects: &[Dependency::Arith, Dependency::Memref],
        options: &[
            OptionDesc {
                name: "places",
                help: "give allocations their places, too",
                kind: OptionKind::Bool,
                default: "true",
            },
            OptionDesc {
                name: "alignment",
                help: "places are multiples of so many bytes, a power of two from 64 on",
                kind: OptionKind::Int,
                default: "64",
            },
        ],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.results_only = !options.bool("places");
        let alignment = u64::try_from(options.int("alignment")).unwrap_or(0);
        if !(64..=1 << 20).contains(&alignment) || !alignment.is_power_of_two() {
            return Err(format!("alignment = {alignment} is not possible"));
        }
        self.alignment = alignment;
        Ok(())
    }

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let Some(body) = function.body() else {
            return Ok(());
        };
        let all = |name: &'static str| {
            function
                .nested()
                .into_iter()
                .filter(move |o| o.name() == name)
        };
        if function.attr(RESULT_ARGUMENTS).is_none() {
            for alloc in all("memref.alloc") {
                check(alloc)?;
            }
            let frees: Vec<Op> = all("memref.dealloc").collect();
            frees.into_iter().for_each(Op::erase);
            let arguments = results::to_arguments(function, body)?;
            let writable = function.attr(WRITABLE_ARGUMENTS);
            let writable = writable.and_then(Attr::as_i64_array).unwrap_or_default();
            protect::protect(body, &writable, &arguments);
            function.remove_attr(WRITABLE_ARGUMENTS);
            function.set_attr(
                RESULT_ARGUMENTS,
                Attr::i64_array(function.ctx(), &arguments),
            );
        }
        if self.results_only {
            return Ok(());
        }
        let allocations: Vec<Op> = all("memref.alloc").collect();
        allocations.iter().try_for_each(|a| check(*a))?;
        let order: HashMap<Op, usize> = (body.ops().into_iter().enumerate())
            .map(|(i, op)| (op, i))
            .collect();
        let ranges = allocations.iter().map(|a| live_range(*a, &order));
        let buffers: Vec<Buffer> = ranges.collect::<Result<_, _>>()?;
        let total = assign(buffers.iter(), self.alignment);
        place(function, &buffers, &total);
        let bytes = Attr::i64(function.ctx(), total.bytes as i64);
        function.set_attr(WORKSPACE_BYTES, bytes);
        Ok(())
    }
}

fn check(alloc: Op) -> Result<(), Diagnostics> {
    let Some(ty) = alloc.results().next().map(Value::ty) else {
        return Ok(());
    };
    let fail = |message: String| Err(Diagnostics::at(alloc.loc(), message));
    let dims: Option<Vec<u64>> = ty.shape().dims.into_iter().collect();
    let Some(dims) = dims.filter(|_| alloc.operands().len() == 0) else {
        let message = "a buffer whose size is known at run time only has no place in the workspace: give the model static shapes";
        return fail(message.into());
    };
    let is_plain = !ty.to_string().contains("affine_map") && !ty.to_string().contains("strided<");
    if !is_plain || ty.shape().element.bits() == 0 {
        return fail(format!(
            "a buffer of type {ty} has no place in the workspace: only contiguous ones of integers, floats or index have"
        ));
    }
    if sized(&dims, ty).is_none_or(|b| b > LARGEST) {
        return fail(format!("a buffer of type {ty} is larger than any memory"));
    }
    Ok(())
}

/// 2^46 bytes: more than a processor's address space has room for, and sums of them do not overflow.
const LARGEST: u64 = 1 << 46;

fn sized(dims: &[u64], ty: Type) -> Option<u64> {
    let element = ty.shape().element.bits().div_ceil(8);
    dims.iter().try_fold(element, |n, d| n.checked_mul(*d))
}

/// Bytes of a static memref type that [`check`] let pass.
fn bytes_of(ty: Type) -> u64 {
    let dims: Option<Vec<u64>> = ty.shape().dims.into_iter().collect();
    dims.and_then(|d| sized(&d, ty)).unwrap_or(0)
}

/// Ops whose memref results are views of their memref operands.
pub(crate) fn is_view(name: &str) -> bool {
    matches!(
        name,
        "memref.subview"
            | "memref.expand_shape"
            | "memref.collapse_shape"
            | "memref.cast"
            | "memref.reinterpret_cast"
            | "memref.view"
            | "memref.transpose"
            | "memref.memory_space_cast"
            | "memref.extract_strided_metadata"
            | "builtin.unrealized_conversion_cast"
    )
}

/// From the allocation to the last use of it or of a view of it, by place in the entry block.
fn live_range(alloc: Op, order: &HashMap<Op, usize>) -> Result<Buffer, Diagnostics> {
    let place = |mut op: Op| loop {
        if let Some(i) = order.get(&op) {
            break *i;
        }
        match op.parent() {
            Some(parent) => op = parent,
            None => break usize::MAX,
        }
    };
    let value = alloc.results().next();
    let (mut first, mut last) = (usize::MAX, place(alloc));
    let mut seen: HashSet<Value> = HashSet::new();
    let mut todo: Vec<Value> = value.into_iter().collect();
    while let Some(value) = todo.pop() {
        if !seen.insert(value) {
            continue;
        }
        for (user, _) in value.uses() {
            if leaves_loop(user, alloc) {
                let message = "a buffer that a loop makes is handed on to its next trip: write it into the loop's own argument instead";
                return Err(Diagnostics::at(alloc.loc(), message));
            }
            first = first.min(place(user));
            last = last.max(place(user));
            todo.extend(aliases(user));
        }
    }
    Ok(Buffer {
        alloc,
        bytes: value.map_or(0, |v| bytes_of(v.ty())),
        first: first.min(last),
        last,
    })
}

/// Whether `user` ends a trip of a loop around `alloc`.
fn leaves_loop(user: Op, alloc: Op) -> bool {
    let ends = matches!(user.name(), "scf.yield" | "scf.condition");
    let around = user
        .parent()
        .filter(|p| matches!(p.name(), "scf.for" | "scf.while"));
    let mut outer = alloc.parent();
    while let Some(op) = outer {
        if ends && Some(op) == around {
            return true;
        }
        outer = op.parent();
    }
    false
}

/// Values that may be (views of) a memref that `user` takes: any memref that comes out of it, or into its regions.
fn aliases(user: Op) -> Vec<Value> {
    match user.name() {
        // a value that leaves a region may be any result (or, in a loop, any argument) of the op around it
        "scf.yield" | "scf.condition" => user.parent().map_or(vec![], aliases),
        _ => {
            let args = user.blocks().into_iter().flat_map(|b| b.args());
            let all = args.chain(user.results());
            all.filter(|v| v.ty().is_memref()).collect()
        }
    }
}

fn place(function: Op, buffers: &[Buffer], plan: &arena::Plan) {
    let Some(body) = function.body() else {
        return;
    };
    let ctx = function.ctx();
    let Some(ty) = Type::parse(ctx, &format!("memref<{}xi8>", plan.bytes)) else {
        return;
    };
    let workspace = results::add_argument(function, body, ty);
    let Some(start) = body.ops().first().copied() else {
        return;
    };
    let at = Cursor::before(start);
    let mut constants: HashMap<u64, Value> = HashMap::new();
    for (buffer, offset) in buffers.iter().zip(&plan.offsets) {
        let offset = *constants
            .entry(*offset)
            .or_insert_with(|| at.index(*offset));
        for old in buffer.alloc.results() {
            let view = at.op("memref.view", &[workspace, offset], &[old.ty()], &[], &[]);
            if let Some(new) = view.results().next() {
                old.replace_all_uses(new);
            }
        }
    }
    // last, as the cursor may stand at one of them
    for buffer in buffers {
        buffer.alloc.erase();
    }
}
