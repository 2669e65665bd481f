//! Calls of kernels in place of ops.

use super::kernels::{self, Argument, Request};
use super::runtime;
use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Op, Type, Value, build_op, new_block, parse_op};
use spec_dialect::pass::Diagnostics;
use spec_kernels::{Slot, Target};
use std::collections::HashSet;

/// Lowers functions of one module, and collects the kernels that they need.
pub(super) struct Caller {
    module: Op,
    target: Target,
    parallel_bytes: i64,
    emitted: HashSet<String>,
    texts: Vec<String>,
}

/// A function under way.
#[derive(Clone, Copy)]
struct Frame {
    pool: Value,
    status: Value,
    /// Array of pointers on the stack, long enough for every kernel that the function calls.
    slots: Value,
}

impl Caller {
    pub(super) fn new(module: Op, target: Target, parallel_bytes: i64) -> Self {
        Caller {
            module,
            target,
            parallel_bytes,
            emitted: HashSet::new(),
            texts: vec![],
        }
    }

    pub(super) fn lower_function(
        &mut self,
        function: Op,
        pool: Value,
        status: Value,
    ) -> Result<(), Diagnostics> {
        let (model_ops, others): (Vec<Op>, Vec<Op>) =
            (function.nested().into_iter()).partition(|o| kernels::has_kernels(*o));
        let others: Vec<Op> = (others.into_iter())
            .filter(|o| matches!(o.name(), "memref.copy" | "cf.assert"))
            .collect();
        let mut requests = vec![];
        for op in model_ops {
            requests.push((op, kernels::request(op)?));
        }
        let longest = (requests.iter())
            .map(|(_, r)| r.arguments.len())
            .max()
            .unwrap_or(0);
        let start = function.body().and_then(|b| b.ops().first().copied());
        if let (Some(start), true) = (start, longest > 0) {
            let at = Cursor::before(start);
            let frame = Frame {
                pool,
                status,
                slots: at.stack_slots(longest as u64),
            };
            for (op, request) in requests {
                self.call(frame, op, &request)?;
                op.erase();
            }
        }
        for op in others {
            match op.name() {
                "memref.copy" => lower_copy(op),
                _ => lower_assert(op, status),
            }
        }
        Ok(())
    }

    fn call(&mut self, frame: Frame, op: Op, request: &Request) -> Result<(), Diagnostics> {
        let kernel = &request.kernel;
        let name = kernel.name();
        if self.emitted.insert(name.clone()) {
            let text = kernel.emit(&self.target).map_err(|e| {
                Diagnostics::at(op.loc(), format!("no kernel for this {}: {e}", op.name()))
            })?;
            self.texts.push(text);
        }
        let at = Cursor::before(op);
        for (i, argument) in request.arguments.iter().enumerate() {
            let value = match argument {
                Argument::Buffer(memref) => at.address(*memref),
                Argument::Scalar(index) => at.scalar_as_pointer(*index),
                Argument::Status => frame.status,
            };
            let slot = at.slot(frame.slots, i as i64);
            at.op(
                "llvm.store",
                &[value, slot],
                &[],
                &[("ordering", at.attr("0 : i64"))],
                &[],
            );
        }
        let units = kernel.units();
        let grain = kernel.grain(&self.target);
        let i64 = at.ty("i64");
        let count = at.constant(units as u64, i64);
        if units > grain && bytes(&kernel.slots()) >= self.parallel_bytes {
            let task = at.function_pointer(&name);
            let grain = at.constant(grain as u64, i64);
            at.call(
                "spec_parallel",
                &[frame.pool, task, frame.slots, count, grain],
                &[],
            );
        } else {
            let zero = at.constant(0, i64);
            at.call(&name, &[frame.slots, zero, count], &[]);
        }
        Ok(())
    }

    /// Puts the kernels into the module.
    pub(super) fn finish(self) -> Result<(), Diagnostics> {
        let loc = self.module.loc();
        let ctx = self.module.ctx();
        let Some(body) = self.module.body() else {
            return Ok(());
        };
        if self.texts.is_empty() {
            return Ok(());
        }
        let texts = self.texts.iter().map(String::as_str);
        for text in texts.chain([runtime::PARALLEL]) {
            let function = parse_op(ctx, text, "kernel").ok_or_else(|| {
                Diagnostics::at(
                    loc,
                    format!("internal error: MLIR does not take this kernel:\n{text}"),
                )
            })?;
            body.append(function);
        }
        Ok(())
    }
}

/// Memory that a kernel touches.
fn bytes(slots: &[Slot]) -> i64 {
    let size = |slot: &Slot| match slot {
        Slot::Read {
            dtype, elements, ..
        }
        | Slot::Write {
            dtype, elements, ..
        } => dtype.bytes() as i64 * elements,
        Slot::Scalar { .. } => 0,
    };
    slots.iter().map(size).sum()
}

/// A strided copy becomes a loop; a contiguous one is a memcpy upstream.
fn lower_copy(op: Op) {
    let contiguous = |v: Value| {
        v.ty()
            .strides()
            .is_some_and(|(s, _)| is_contiguous(v.ty(), &s))
    };
    if op.operands().all(contiguous) {
        return;
    }
    let Some((from, to)) = op.operand(0).zip(op.operand(1)) else {
        return;
    };
    let at = Cursor::before(op);
    let element = at.element_type(from.ty().shape().element);
    let block = new_block(&[element; 2], op.loc());
    let first = block.args().first().copied();
    let end = build_op("linalg.yield", op.loc(), first.as_slice(), &[], &[], &[]);
    block.append(end.unwrap_or_else(|| panic!("MLIR refused a linalg.yield")));
    let attrs = [("operandSegmentSizes", at.attr("array<i32: 1, 1>"))];
    at.op("linalg.copy", &[from, to], &[], &attrs, &[vec![block]]);
    op.erase();
}

/// Upstream's rule: inner dimensions stand side by side, outer ones are of size 1.
fn is_contiguous(ty: Type, strides: &[Option<i64>]) -> bool {
    let mut expected = 1;
    let mut inner = true;
    (ty.shape().dims.iter().zip(strides).rev()).all(|(dim, stride)| {
        inner &= *stride == Some(expected);
        expected *= dim.unwrap_or(0) as i64;
        inner || *dim == Some(1)
    })
}

/// `status = condition ? status : 2`
fn lower_assert(op: Op, status: Value) {
    let Some(condition) = op.operand(0) else {
        return;
    };
    let at = Cursor::before(op);
    let i32 = at.ty("i32");
    let old = at.load(status, i32);
    let failed = at.constant(2, i32);
    let new = at.one("arith.select", &[condition, old, failed], i32, &[]);
    at.op(
        "llvm.store",
        &[new, status],
        &[],
        &[("ordering", at.attr("0 : i64"))],
        &[],
    );
    op.erase();
}

impl Cursor {
    /// An array of `n` pointers on the stack.
    fn stack_slots(self, n: u64) -> Value {
        let count = self.constant(n, self.ty("i64"));
        let attrs = [("elem_type", self.attr("!llvm.ptr"))];
        self.one("llvm.alloca", &[count], self.ty("!llvm.ptr"), &attrs)
    }

    /// Address of the first element of a memref.
    fn address(self, memref: Value) -> Value {
        let shape = memref.ty().shape();
        let (index, i64) = (self.ty("index"), self.ty("i64"));
        let mut address = self.one(
            "memref.extract_aligned_pointer_as_index",
            &[memref],
            index,
            &[],
        );
        let offset = memref.ty().strides().and_then(|(_, offset)| offset);
        if offset != Some(0) {
            let base = self.ty(&format!("memref<{}>", shape.element));
            let mut types = vec![base];
            types.resize(2 + 2 * shape.dims.len(), index);
            let parts = self.op(
                "memref.extract_strided_metadata",
                &[memref],
                &types,
                &[],
                &[],
            );
            let size = self.index(shape.element.bits().div_ceil(8));
            let bytes = self.one("arith.muli", &[result(parts, 1), size], index, &[]);
            address = self.add(address, bytes);
        }
        let address = self.one("arith.index_cast", &[address], i64, &[]);
        self.one("llvm.inttoptr", &[address], self.ty("!llvm.ptr"), &[])
    }

    fn scalar_as_pointer(self, index: Value) -> Value {
        let wide = self.one("arith.index_cast", &[index], self.ty("i64"), &[]);
        self.one("llvm.inttoptr", &[wide], self.ty("!llvm.ptr"), &[])
    }

    fn function_pointer(self, name: &str) -> Value {
        let ty = self.ty("(!llvm.ptr, i64, i64) -> ()");
        let callee = self.attr(&format!("@{name}"));
        let constant = self.one("func.constant", &[], ty, &[("value", callee)]);
        self.one(
            "builtin.unrealized_conversion_cast",
            &[constant],
            self.ty("!llvm.ptr"),
            &[],
        )
    }
}
