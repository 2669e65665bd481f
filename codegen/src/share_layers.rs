//! Makes one function of the layers that a model repeats, so that code size and compile time do not grow with depth.
//!
//! *Before*: a function on memrefs that does the same to different buffers, over and over.
//!
//! ```mlir
//! func.func @f(%x: memref<1x8xf32>, %a: memref<8xf32>, %b: memref<8xf32>) {
//!   spec.norm rms eps 1.0e-5 ins(%x, %a : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
//!   spec.norm rms eps 1.0e-5 ins(%x, %b : memref<1x8xf32>, memref<8xf32>) outs(%x : memref<1x8xf32>)
//!   return
//! }
//! ```
//!
//! *After*: the buffers are arguments, the layers are calls.
//!
//! ```mlir
//! func.func private @f_layer(%arg0: memref<1x8xf32>, %arg1: memref<8xf32>) {
//!   spec.norm rms ... ins(%arg0, %arg1 : memref<1x8xf32>, memref<8xf32>) outs(%arg0 : memref<1x8xf32>)
//! func.func @f(%arg0: memref<1x8xf32>, %arg1: memref<8xf32>, %arg2: memref<8xf32>) {
//!   call @f_layer(%arg0, %arg1) : (memref<1x8xf32>, memref<8xf32>) -> ()
//!   call @f_layer(%arg0, %arg2) : (memref<1x8xf32>, memref<8xf32>) -> ()
//! ```
//!
//! *Why here*: on tensors, layers differ in what they hand on; on memrefs a layer is a list of effects, and only buffers change.
//!
//! *Legality*: what is moved has no results, stays in its order, and is the same in every repetition: op, attributes, regions, sizes,
//! strides and element types of operands, constants, and which operands are the same buffer. Offsets may differ. Pure ops between (views,
//! constants) stay in the caller, in front of the call.
//!
//! *Options*: `min-ops` (default 4): repetitions of fewer ops are left alone.
//!
//! *Neighbours*: after `spec-plan-memory`, before `spec-lower-kernels`.
//!
//! *Does not do*: it shares one repeated run a function (the longest), and nothing between functions; loops are shared already.

mod repeats;
mod signature;

use crate::cursor::Cursor;
use repeats::Run;
use signature::{Signature, signature};
use spec_dialect::ffi::{Attr, Ctx, Op, OptionKind, Options, Type, Value, build_op, new_block};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, Pass, PassDesc};
use std::collections::{HashMap, HashSet};

/// The pass.
#[derive(Clone, Default)]
pub struct ShareLayers {
    min_ops: usize,
}

impl Pass for ShareLayers {
    const DESC: PassDesc = PassDesc {
        argument: "spec-share-layers",
        name: "SpecShareLayers",
        help: "Make one function of a model's identical layers",
        op: "builtin.module",
        dialects: &[Dependency::Func, Dependency::Memref, Dependency::Arith],
        options: &[OptionDesc {
            name: "min-ops",
            help: "leave repetitions of fewer ops alone",
            kind: OptionKind::Int,
            default: "4",
        }],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        let min = options.int("min-ops");
        self.min_ops = usize::try_from(min)
            .ok()
            .filter(|m| *m > 0)
            .ok_or(format!("min-ops must be at least 1, got {min}"))?;
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let functions: Vec<Op> = (module.blocks().into_iter())
            .flat_map(|b| b.ops())
            .filter(|o| o.name() == "func.func" && o.body().is_some())
            .collect();
        let mut taken: HashSet<String> = (module.blocks().into_iter())
            .flat_map(|b| b.ops())
            .filter_map(|o| o.symbol().map(str::to_owned))
            .collect();
        for function in functions {
            self.share(function, &mut taken);
        }
        Ok(())
    }
}

impl ShareLayers {
    fn share(&self, function: Op, taken: &mut HashSet<String>) {
        let Some(body) = function.body() else {
            return;
        };
        let actions: Vec<Op> = body.ops().into_iter().filter(|o| !is_pure(*o)).collect();
        let signatures: Vec<Signature> = actions.iter().map(|o| signature(*o)).collect();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let ids: Vec<usize> = (signatures.iter().enumerate())
            .map(|(i, s)| match &s.text {
                Some(text) => {
                    let next = numbers.len();
                    *numbers.entry(text).or_insert(next)
                }
                None => usize::MAX - i, // like no other
            })
            .collect();
        let Some(run) = repeats::longest(&ids, self.min_ops) else {
            return;
        };
        let Some((run, instances)) = bound_alike(run, &signatures) else {
            return;
        };
        outline(function, run, &actions, &instances, taken);
    }
}

/// The part of `run` whose repetitions bind equal operands to equal buffers, taking one, two or more of them as one: buffers that are
/// handed on may alternate between two places.
fn bound_alike(run: Run, signatures: &[Signature]) -> Option<(Run, Vec<Vec<Value>>)> {
    let mut best: Option<(Run, Vec<Vec<Value>>)> = None;
    for factor in 1..=3 {
        let grouped = Run {
            start: run.start,
            period: run.period * factor,
            count: run.count / factor,
        };
        let instances = grouped.instances(signatures);
        let Some((first, count)) = longest_alike(&instances) else {
            continue;
        };
        let found = Run {
            start: grouped.start + first * grouped.period,
            count,
            ..grouped
        };
        let saved = |r: &Run| (r.count - 1) * r.period;
        if count > 1 && best.as_ref().is_none_or(|(b, _)| saved(&found) > saved(b)) {
            best = Some((found, instances[first..first + count].to_vec()));
        }
    }
    best
}

/// Ops that may stay in front of the call: they touch no memory.
fn is_pure(op: Op) -> bool {
    op.is_pure() && op.name() != "func.return"
}

/// The longest stretch of instances (first, number) in which the same operands are the same buffers.
fn longest_alike(instances: &[Vec<Value>]) -> Option<(usize, usize)> {
    let pattern = |values: &Vec<Value>| -> Vec<usize> {
        let mut first: HashMap<Value, usize> = HashMap::new();
        (values.iter().enumerate())
            .map(|(i, v)| *first.entry(*v).or_insert(i))
            .collect()
    };
    let patterns: Vec<Vec<usize>> = instances.iter().map(pattern).collect();
    let (mut best, mut start) = (None, 0);
    for i in 0..patterns.len() {
        if patterns[i] != patterns[start] {
            start = i;
        }
        let count = i + 1 - start;
        if best.is_none_or(|(_, b)| count > b) {
            best = Some((start, count));
        }
    }
    best
}

fn outline(
    function: Op,
    run: Run,
    actions: &[Op],
    instances: &[Vec<Value>],
    taken: &mut HashSet<String>,
) {
    let mut seen = HashSet::new();
    let unique: Vec<usize> = (instances[0].iter().enumerate())
        .filter(|(_, v)| seen.insert(**v))
        .map(|(i, _)| i)
        .collect();
    let types: Vec<Type> = (unique.iter())
        .map(|i| common_type(instances, *i))
        .collect();
    let name = fresh_name(function.symbol().unwrap_or("model"), taken);
    for (t, values) in instances.iter().enumerate() {
        let last = actions[run.start + t * run.period + run.period - 1];
        let at = Cursor::before(last);
        let operands: Vec<Value> = (unique.iter().zip(&types))
            .map(|(i, ty)| at.cast_memref(values[*i], *ty))
            .collect();
        at.call(&name, &operands, &[]);
    }
    let layer = make_function(function, &name, &types);
    let Some(block) = layer.body() else {
        return;
    };
    let args: HashMap<Value, Value> = (unique.iter().zip(block.args()))
        .map(|(i, arg)| (instances[0][*i], arg))
        .collect();
    for (i, op) in actions[run.start..run.start + run.count * run.period]
        .iter()
        .enumerate()
    {
        if i < run.period {
            op.move_to_end(block);
            rebind(*op, layer, &args);
        } else {
            op.erase();
        }
    }
    let end = build_op("func.return", function.loc(), &[], &[], &[], &[]);
    block.append(end.unwrap_or_else(|| panic!("MLIR refused a func.return")));
}

/// Replaces what is defined outside of the layer: buffers by arguments, constants by copies.
fn rebind(op: Op, layer: Op, args: &HashMap<Value, Value>) {
    for inner in op.nested() {
        for (i, value) in inner.operands().enumerate().collect::<Vec<_>>() {
            if let Some(arg) = args.get(&value) {
                inner.set_operand(i, *arg);
            } else if let Some(constant) = value.def().filter(|d| signature::is_constant(*d))
                && constant.block().and_then(|b| b.parent()) != Some(layer)
            {
                let copy = constant.duplicate();
                op.insert_before(copy);
                if let Some(new) = copy.results().next() {
                    inner.set_operand(i, new);
                }
            }
        }
    }
}

fn make_function(function: Op, name: &str, types: &[Type]) -> Op {
    let ctx = function.ctx();
    let block = new_block(types, function.loc());
    let ty = Type::function_of(ctx, types, &[]);
    let attrs = [
        ("sym_name", Attr::string(ctx, name)),
        ("sym_visibility", Attr::string(ctx, "private")),
        ("function_type", Attr::of_type(ty)),
    ];
    let op = build_op(
        "func.func",
        function.loc(),
        &[],
        &[],
        &attrs,
        &[vec![block]],
    )
    .unwrap_or_else(|| panic!("MLIR refused a func.func"));
    function.insert_before(op);
    op
}

/// The type of operand `i` in all instances; where offsets differ, the one whose offset is known at run time.
fn common_type(instances: &[Vec<Value>], i: usize) -> Type {
    let first = instances[0][i].ty();
    if instances.iter().all(|v| v[i].ty() == first) {
        return first;
    }
    let ctx = instances[0][i].loc().ctx();
    signature::any_offset(ctx, first).unwrap_or(first)
}

fn fresh_name(base: &str, taken: &mut HashSet<String>) -> String {
    let mut name = format!("{base}_layer");
    let mut n = 0;
    while !taken.insert(name.clone()) {
        n += 1;
        name = format!("{base}_layer_{n}");
    }
    name
}
