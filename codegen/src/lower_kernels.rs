//! Turns model ops into calls of kernels, spread over the cores that the caller's pool has.
//!
//! *Before*: model ops on memrefs.
//!
//! ```mlir
//! func.func @f(%x: memref<1x64xf32>, %w: memref<32x64xf16>, %y: memref<1x32xf32>) {
//!   spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<32x64xf16>) outs(%y : memref<1x32xf32>)
//!   return
//! }
//! ```
//!
//! *After*: one private function for each kernel that is needed; at the op, the operands' addresses are put into an array on the stack, and the
//! kernel runs over all of its units, on one core or on the pool's. Every function has the pool and the status as its last arguments.
//!
//! ```mlir
//! func.func @f(%arg0: memref<1x64xf32>, %arg1: memref<32x64xf16>, %arg2: memref<1x32xf32>, %arg3: !llvm.ptr, %arg4: !llvm.ptr) ... {
//!   %0 = llvm.alloca %c3_i64 x !llvm.ptr : (i64) -> !llvm.ptr
//!   call @linear_1x32x64_...(%0, %c0_i64, %c32_i64) : (!llvm.ptr, i64, i64) -> ()
//! func.func private @linear_1x32x64_...(%arg0: !llvm.ptr, %arg1: i64, %arg2: i64) {
//! ```
//!
//! *Why here*: on memrefs, sizes, strides and types are known and data dependences are settled: a kernel is a function of shapes alone.
//!
//! *Legality*: a kernel does what the op's definition says, and no two ranges of its units touch the same output. An assertion (`cf.assert`)
//! becomes a store of the status 2. What has no kernel (`KernelError`) is an error at the op.
//!
//! *Options*: `arch`, `vector-bits`, `vector-registers`, `l1-bytes`, `features`: what a core can do (`spec-compile` takes them from the device
//! file); `parallel-bytes`: ops that touch less memory run on the calling core alone.
//!
//! *Neighbours*: after `spec-share-layers`, before `spec-c-abi`.
//!
//! *Does not do*: other ops are not touched, except that `memref.copy` becomes `linalg.copy` (upstream lowers the former to a call of a
//! runtime library).

mod call;
mod kernels;
mod reader;
mod runtime;

pub(crate) use kernels::{Argument, has_kernels, request};

use crate::c_abi::RUNTIME_ARGUMENTS;
use crate::cursor::Cursor;
use call::Caller;
use spec_dialect::ffi::{Attr, Ctx, Op, OptionKind, Options, Type, Value};
use spec_dialect::pass::{Dependency, Diagnostics, OptionDesc, Pass, PassDesc};
use spec_kernels::Target;
use std::collections::HashSet;

/// The pass.
#[derive(Clone, Default)]
pub struct LowerKernels {
    target: Option<Target>,
    parallel_bytes: i64,
}

const fn option(name: &'static str, help: &'static str, default: &'static str) -> OptionDesc {
    OptionDesc {
        name,
        help,
        kind: OptionKind::Int,
        default,
    }
}

const OPTIONS: &[OptionDesc] = &[
    OptionDesc {
        name: "arch",
        help: "instruction set: x86_64 or aarch64",
        kind: OptionKind::String,
        default: "aarch64",
    },
    option("vector-bits", "width of a vector register", "128"),
    option(
        "vector-registers",
        "vector registers that a program may name",
        "32",
    ),
    option("l1-bytes", "data cache of one core", "32768"),
    OptionDesc {
        name: "features",
        help: "extensions, comma-separated: avx512, vnni, avxvnni, dotprod, fp16, bf16, i8mm",
        kind: OptionKind::String,
        default: "",
    },
    option(
        "parallel-bytes",
        "ops that touch less memory run on the calling core alone",
        "65536",
    ),
];

impl Pass for LowerKernels {
    const DESC: PassDesc = PassDesc {
        argument: "spec-lower-kernels",
        name: "SpecLowerKernels",
        help: "Model ops on memrefs to calls of kernels",
        op: "builtin.module",
        dialects: &[
            Dependency::Arith,
            Dependency::Func,
            Dependency::Linalg,
            Dependency::Llvm,
            Dependency::Math,
            Dependency::Memref,
            Dependency::Scf,
            Dependency::Vector,
        ],
        options: OPTIONS,
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.target = Some(crate::target::from_options(options)?);
        self.parallel_bytes = options.int("parallel-bytes");
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let Some(target) = self.target.clone() else {
            return Err(Diagnostics::at(
                module.loc(),
                "the pass was not initialised",
            ));
        };
        let functions: Vec<Op> = (module.blocks().into_iter())
            .flat_map(|b| b.ops())
            .filter(|o| o.name() == "func.func" && o.body().is_some())
            .collect();
        let names: HashSet<String> = (functions.iter())
            .filter_map(|f| f.symbol().map(str::to_owned))
            .collect();
        let hidden = add_runtime_arguments(&functions, &names);
        let mut caller = Caller::new(module, target, self.parallel_bytes);
        for (function, (pool, status)) in functions.iter().zip(hidden) {
            caller.lower_function(*function, pool, status)?;
        }
        caller.finish()
    }
}

/// Adds the pool and the status to functions, and to calls of them.
fn add_runtime_arguments(functions: &[Op], names: &HashSet<String>) -> Vec<(Value, Value)> {
    let mut out = vec![];
    for function in functions {
        let Some(body) = function.body() else {
            continue;
        };
        let ctx = function.ctx();
        let pointer = Type::parse(ctx, "!llvm.ptr").unwrap_or_else(|| panic!("no pointer type"));
        let pool = crate::plan_memory::add_argument(*function, body, pointer);
        let status = crate::plan_memory::add_argument(*function, body, pointer);
        function.set_attr(RUNTIME_ARGUMENTS, Attr::unit(ctx));
        for call in function.nested() {
            if call.name() != "func.call" {
                continue;
            }
            let callee = call.attr("callee").and_then(Attr::as_flat_symbol);
            if !callee.is_some_and(|c| names.contains(c)) {
                continue;
            }
            let operands: Vec<Value> = call.operands().chain([pool, status]).collect();
            let types: Vec<Type> = call.results().map(Value::ty).collect();
            let new = Cursor::before(call).call(callee.unwrap_or_default(), &operands, &types);
            for (old, new) in call.results().zip(new) {
                old.replace_all_uses(new);
            }
            call.erase();
        }
        out.push((pool, status));
    }
    out
}
