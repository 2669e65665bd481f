//! Gives entry functions the C signature of docs/abi.md: a table of pointers, a workspace, a pool; a status back.
//!
//! *Before*: public functions on memrefs and scalars, without results, whose last three arguments are the workspace, the pool and
//! the status (`spec-plan-memory`, `spec-lower-kernels`).
//!
//! ```mlir
//! func.func @f(%x: memref<4xf32>, %p: index, %workspace: memref<64xi8>, %pool: !llvm.ptr, %status: !llvm.ptr)
//!     attributes {runtime_arguments} {
//!   return
//! }
//! ```
//!
//! *After*: a memref is made of its pointer in the table, a scalar is read through its pointer. The status word is
//! the first of the workspace; it is zeroed first and returned last.
//!
//! ```mlir
//! func.func @f(%arg0: !llvm.ptr, %arg1: !llvm.ptr, %arg2: !llvm.ptr) -> i32 {
//!   llvm.store %c0_i32, %arg1 : i32, !llvm.ptr
//!   %0 = llvm.load %arg0 : !llvm.ptr -> !llvm.ptr
//!   ... = builtin.unrealized_conversion_cast ... to memref<4xf32>
//!   ... = llvm.load %arg1 : !llvm.ptr -> i32
//! }
//! ```
//!
//! *Why here*: bodies stay in memrefs until the conversion to the LLVM dialect, which cancels the casts that this pass makes.
//!
//! *Legality*: argument types are contiguous static memrefs, integers, floats or index; anything else is refused.
//!
//! *Options*: none.
//!
//! *Neighbours*: after `spec-lower-kernels`, before the conversion to the LLVM dialect.
//!
//! *Does not do*: private functions keep their signature; they become internal to the object file, and are not inlined, so that a kernel is
//! compiled once.

use crate::cursor::{Cursor, result};
use spec_dialect::ffi::{Attr, Block, Element, Op, Type, Value};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};

/// The pass.
#[derive(Clone, Default)]
pub struct CAbi;

/// Marks functions whose last two arguments are the pool and the status.
pub(crate) const RUNTIME_ARGUMENTS: &str = "runtime_arguments";

/// Workspace, pool and status.
const HIDDEN: usize = 3;

impl Pass for CAbi {
    const DESC: PassDesc = PassDesc {
        argument: "spec-c-abi",
        name: "SpecCAbi",
        help: "Entry functions to the C signature (table of pointers, workspace, pool) -> status",
        op: "func.func",
        dialects: &[Dependency::Arith, Dependency::Llvm, Dependency::Memref],
        options: &[],
    };

    fn run(&mut self, function: Op) -> Result<(), Diagnostics> {
        let Some(body) = function.body() else {
            return Ok(());
        };
        if function.str_attr("sym_visibility") == Some("private") {
            make_internal(function);
        } else if function.attr(RUNTIME_ARGUMENTS).is_some() {
            return rewrite(function, body);
        }
        Ok(())
    }
}

fn make_internal(function: Op) {
    let ctx = function.ctx();
    for (name, value) in [
        ("llvm.linkage", "#llvm.linkage<internal>"),
        ("passthrough", "[\"noinline\"]"),
    ] {
        if let Some(value) = Attr::parse(ctx, value) {
            function.set_attr(name, value);
        }
    }
}

fn rewrite(function: Op, body: Block) -> Result<(), Diagnostics> {
    let old = body.args();
    if old.len() < HIDDEN {
        let message = "expected the workspace, the pool and the status as the last arguments: run spec-plan-memory and spec-lower-kernels first";
        return Err(Diagnostics::at(function.loc(), message));
    }
    if let Some(bad) = old[..old.len() - 2].iter().find(|v| !is_passable(v.ty())) {
        let message = format!(
            "argument #{} of type {} cannot be passed through a pointer",
            bad.index(),
            bad.ty()
        );
        return Err(Diagnostics::at(function.loc(), message));
    }
    let returns = body
        .terminator()
        .filter(|t| t.name() == "func.return" && t.operands().len() == 0);
    let (Some(end), Some(start)) = (returns, body.ops().first().copied()) else {
        let message = "expected one block and no results: run spec-plan-memory first";
        return Err(Diagnostics::at(function.loc(), message));
    };
    let at = Cursor::before(start);
    let (pointer, i32) = (at.ty("!llvm.ptr"), at.ty("i32"));
    let [table, workspace, pool] = [(); 3].map(|()| body.add_arg(pointer, function.loc()));
    let zero = at.constant(0, i32);
    at.op(
        "llvm.store",
        &[zero, workspace],
        &[],
        &[("ordering", at.attr("0 : i64"))],
        &[],
    );
    let visible = old.len() - HIDDEN;
    for (i, arg) in old[..visible].iter().enumerate() {
        let slot = at.slot(table, i as i64);
        let address = at.load(slot, pointer);
        arg.replace_all_uses(at.incoming(address, arg.ty()));
    }
    old[visible].replace_all_uses(at.incoming(workspace, old[visible].ty()));
    old[visible + 1].replace_all_uses(pool);
    old[visible + 2].replace_all_uses(workspace);
    (0..old.len()).for_each(|_| body.erase_arg(0));
    let at_end = Cursor::before(end);
    let status = at_end.load(workspace, i32);
    at_end.op("func.return", &[status], &[], &[], &[]);
    end.erase();
    let ty = Type::function_of(function.ctx(), &[pointer; 3], &[i32]);
    function.set_attr("function_type", Attr::of_type(ty));
    function.remove_attr("arg_attrs");
    function.remove_attr(RUNTIME_ARGUMENTS);
    Ok(())
}

fn is_passable(ty: Type) -> bool {
    let shape = ty.shape();
    let plain = |e: Element| !matches!(e, Element::Other);
    if !shape.is_shaped {
        return plain(shape.element);
    }
    let Some((strides, offset)) = ty.strides() else {
        return false;
    };
    let Some(dims) = shape.dims.iter().copied().collect::<Option<Vec<u64>>>() else {
        return false;
    };
    let mut expected = 1;
    let contiguous = (dims.iter().zip(&strides).rev()).all(|(dim, stride)| {
        let fits = *stride == Some(expected);
        expected *= *dim as i64;
        fits
    });
    plain(shape.element) && offset == Some(0) && contiguous
}

impl Cursor {
    /// Address of 8-byte slot `i` of an array of pointers.
    pub(crate) fn slot(self, table: Value, i: i64) -> Value {
        if i == 0 {
            return table;
        }
        let attrs = [
            ("rawConstantIndices", self.attr(&format!("array<i32: {i}>"))),
            ("elem_type", self.attr("!llvm.ptr")),
            ("noWrapFlags", self.attr("0 : i32")),
        ];
        self.one("llvm.getelementptr", &[table], self.ty("!llvm.ptr"), &attrs)
    }

    pub(crate) fn load(self, from: Value, ty: Type) -> Value {
        self.one(
            "llvm.load",
            &[from],
            ty,
            &[("ordering", self.attr("0 : i64"))],
        )
    }

    /// What the caller keeps at `address`, as `ty`: the buffer itself, or a scalar in it.
    fn incoming(self, address: Value, ty: Type) -> Value {
        let shape = ty.shape();
        if !shape.is_shaped {
            if shape.element != Element::Index {
                return self.load(address, ty);
            }
            let wide = self.load(address, self.ty("i64"));
            return self.one("arith.index_cast", &[wide], ty, &[]);
        }
        let rank = shape.dims.len();
        let sizes = if rank == 0 {
            String::new()
        } else {
            format!(", array<{rank} x i64>, array<{rank} x i64>")
        };
        let descriptor = self.ty(&format!("!llvm.struct<(ptr, ptr, i64{sizes})>"));
        let i64 = self.ty("i64");
        let mut value = self.one("llvm.mlir.poison", &[], descriptor, &[]);
        let mut put = |field: Value, position: &str| {
            let attrs = [("position", self.attr(&format!("array<i64: {position}>")))];
            value = self.one("llvm.insertvalue", &[value, field], descriptor, &attrs);
        };
        put(address, "0");
        put(address, "1");
        put(self.constant(0, i64), "2");
        let mut stride = 1;
        for i in (0..rank).rev() {
            let size = shape.dims[i].unwrap_or(0);
            put(self.constant(size, i64), &format!("3, {i}"));
            put(self.constant(stride, i64), &format!("4, {i}"));
            stride *= size;
        }
        let cast = self.op(
            "builtin.unrealized_conversion_cast",
            &[value],
            &[ty],
            &[],
            &[],
        );
        result(cast, 0)
    }
}
