//! Turns ops on buffers into kernels of a GPU, and launches of them.
//!
//! *Before*: model ops on memrefs, some of them gathered into `spec.kernel` by `spec-group-kernels`.
//!
//! ```mlir
//! func.func @f(%x: memref<1x64xf32>, %w: memref<32x64xf32>, %y: memref<1x32xf32>) {
//!   spec.linear out_in dense ins(%x, %w : memref<1x64xf32>, memref<32x64xf32>) outs(%y : memref<1x32xf32>)
//!   return
//! }
//! ```
//!
//! *After*: one `gpu.func` for each kernel that is needed, in a `gpu.module`, and one launch for each op. The function has one more argument, the
//! status word.
//!
//! ```mlir
//! func.func @f(%arg0: memref<1x64xf32>, ... %arg3: memref<1xi32>) attributes {status_argument = 3 : i64} {
//!   spec.launch @kernels::@linear1_64_f32 groups [8, 1, 1] of [64, 1, 1](%arg0, %arg1, %arg2 : ...) offsets [0, 0, 0] lengths [256, 8192, 128] access [0, 0, 1]
//! gpu.module @kernels ... {
//!   gpu.func @linear1_64_f32(%arg0: memref<?xvector<4xf32>>, ... kernel ... {
//! ```
//!
//! *Why here*: on memrefs, sizes, strides and types are known and data dependences are settled: a kernel is a function of shapes alone.
//! Memory is planned afterwards, as kernels may need scratch buffers.
//!
//! *Legality*: a kernel does what the ops it stands for do, one after another. Launches stay in the order of the ops. What is computed from
//! scalars in buffers (a position) is computed again inside each kernel that needs it. Assertions become one kernel that sets the status to 2;
//! what they guard is clamped by `spec-check-bounds`. What no kernel does is an error at the op.
//!
//! *Options*: what the device offers (`spec-compile` takes it from the device file).
//!
//! *Neighbours*: after `spec-group-kernels`, before `spec-plan-memory`.
//!
//! *Does not do*: it does not choose what is fused; functions must be straight lines of ops.

mod effects;
mod fit;
mod generic;
mod ops;
mod products;
mod request;
mod scalars;
mod tables;
mod view;

pub(crate) use effects::Effects;
pub(crate) use products::{is_addition, request as products};
pub(crate) use view::View;

use crate::cursor::Cursor;
use crate::gpu_device;
use crate::lower_kernels::has_kernels;
use request::Request;
use scalars::Scalars;
use spec_dialect::ffi::{Attr, Ctx, Op, Options, Value, parse_op};
use spec_dialect::pass::{Dependency, Diagnostics, Pass, PassDesc};
use spec_kernels::gpu::{Access, Check, Device, Kernel};

/// Name of the module that holds the kernels.
pub(crate) const KERNELS: &str = "kernels";
/// Which argument of a function is the status word.
pub(crate) const STATUS_ARGUMENT: &str = "status_argument";

/// The pass.
#[derive(Clone, Default)]
pub struct LowerToGpu {
    device: Option<Device>,
}

impl Pass for LowerToGpu {
    const DESC: PassDesc = PassDesc {
        argument: "spec-lower-to-gpu",
        name: "SpecLowerToGpu",
        help: "Ops on memrefs to kernels of a GPU, and launches of them",
        op: "builtin.module",
        dialects: &[
            Dependency::Arith,
            Dependency::Func,
            Dependency::Gpu,
            Dependency::Math,
            Dependency::Memref,
            Dependency::Scf,
            Dependency::Spec,
            Dependency::SpirV,
            Dependency::Vector,
        ],
        options: gpu_device::OPTIONS,
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        self.device = Some(gpu_device::from_options(options)?);
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let Some(device) = self.device.clone() else {
            return Err(Diagnostics::at(
                module.loc(),
                "the pass was not initialised",
            ));
        };
        let functions: Vec<Op> = (module.blocks().into_iter())
            .flat_map(|b| b.ops())
            .filter(|o| o.name() == "func.func" && o.body().is_some())
            .collect();
        let mut kernels = Kernels {
            device,
            known: vec![],
        };
        for function in functions {
            lower_function(function, &mut kernels)?;
        }
        kernels.finish(module)
    }
}

/// The kernels of a module.
struct Kernels {
    device: Device,
    known: Vec<Known>,
}

/// A kernel that was made.
struct Known {
    kernel: Kernel,
    name: String,
    text: String,
    workgroup: [u32; 3],
    groups: [u32; 3],
}

impl Kernels {
    /// The made kernel for `kernel`.
    fn add(&mut self, kernel: &Kernel) -> Result<&Known, String> {
        if let Some(i) = self.known.iter().position(|k| k.kernel == *kernel) {
            return Ok(&self.known[i]);
        }
        let bindings = kernel.bindings().len();
        if bindings > self.device.bindings as usize {
            let most = self.device.bindings;
            return Err(format!(
                "a kernel needs {bindings} storage buffers, the device allows {most}"
            ));
        }
        let emitted = kernel.emit(&self.device).map_err(|e| e.to_string())?;
        let label = kernel.label();
        let alike = self
            .known
            .iter()
            .filter(|k| k.kernel.label() == label)
            .count();
        let name = match alike {
            0 => label,
            n => format!("{label}_{}", n + 1),
        };
        self.known.push(Known {
            kernel: kernel.clone(),
            text: emitted.text.replace("@KERNEL", &format!("@{name}")),
            name,
            workgroup: emitted.workgroup,
            groups: emitted.groups,
        });
        Ok(&self.known[self.known.len() - 1])
    }

    /// Puts them into `module`.
    fn finish(self, module: Op) -> Result<(), Diagnostics> {
        if self.known.is_empty() {
            return Ok(());
        }
        let loc = module.loc();
        let texts: Vec<&str> = self.known.iter().map(|k| k.text.as_str()).collect();
        let text = format!("gpu.module @{KERNELS} {{\n{}\n}}", texts.join("\n"));
        let parsed = parse_op(module.ctx(), &text, "kernels").ok_or_else(|| {
            Diagnostics::at(
                loc,
                format!("internal error: MLIR does not take these kernels:\n{text}"),
            )
        })?;
        if let Some(body) = module.body() {
            body.append(parsed);
        }
        crate::gpu::pipeline::set_target(module, &self.device);
        module.set_attr("gpu.container_module", Attr::unit(module.ctx()));
        Ok(())
    }
}

/// Ops that launch nothing: views, values that kernels compute again, places.
fn is_free(op: Op) -> bool {
    op.is_pure()
        || matches!(
            op.name(),
            "memref.alloc"
                | "memref.dealloc"
                | "memref.load"
                | "memref.get_global"
                | "func.return"
                | "cf.assert"
                | "memref.subview"
                | "memref.expand_shape"
                | "memref.collapse_shape"
                | "memref.cast"
                | "memref.transpose"
                | "memref.reinterpret_cast"
        )
}

fn lower_function(function: Op, kernels: &mut Kernels) -> Result<(), Diagnostics> {
    let Some(body) = function.body() else {
        return Ok(());
    };
    if function.blocks().len() > 1 {
        let message = "a function of several blocks has no schedule of launches: give it structured control flow, unrolled";
        return Err(Diagnostics::at(function.loc(), message));
    }
    let (args, ctx) = (body.args().len(), function.ctx());
    let Some(start) = body.ops().first().copied() else {
        return Ok(());
    };
    let status = Cursor::before(start).ty("memref<1xi32>");
    let status = crate::plan_memory::add_argument(function, body, status);
    function.set_attr(STATUS_ARGUMENT, Attr::i64(ctx, args as i64));
    tables::materialise(body);
    lower_asserts(function, status, kernels)?;
    for op in body.ops() {
        if is_free(op) || op.name() == "spec.launch" {
            continue;
        }
        let fail = |message: String| Diagnostics::at(op.loc(), message);
        for request in requests(op, status, &kernels.device).map_err(fail)? {
            launch(op, &request, kernels).map_err(fail)?;
        }
        op.erase();
    }
    Ok(())
}

/// The kernels that do what `op` does.
fn requests(op: Op, status: Value, device: &Device) -> Result<Vec<Request>, String> {
    if op.name() == "spec.kernel" {
        let ops = op.body().map(|b| b.ops()).unwrap_or_default();
        return Ok(vec![products(&ops)?]);
    }
    Ok(match op.name() {
        "spec.linear" => vec![products(&[op])?],
        "spec.attention" => {
            let at = Cursor::before(op);
            ops::attention(op)?.requests(|elements| {
                let ty = at.ty(&format!("memref<{elements}xf32>"));
                at.one(
                    "memref.alloc",
                    &[],
                    ty,
                    &[("operandSegmentSizes", at.attr("array<i32: 0, 0>"))],
                )
            })
        }
        _ if has_kernels(op) => vec![ops::request(op, status)?],
        _ => vec![generic::request(op, device)?],
    })
}

/// Launches `request` in front of `op`.
fn launch(op: Op, request: &Request, kernels: &mut Kernels) -> Result<(), String> {
    let known = kernels.add(&request.kernel)?;
    let bindings = request.kernel.bindings();
    if bindings.len() != request.buffers.len() {
        let (n, kernel) = (request.buffers.len(), request.kernel.label());
        return Err(format!(
            "internal error: {n} buffers for the {} bindings of {kernel}",
            bindings.len()
        ));
    }
    let at = Cursor::before(op);
    let bytes = |i: usize| bindings[i].dtype.bytes() as i64;
    let offsets: Vec<i64> = request
        .buffers
        .iter()
        .enumerate()
        .map(|(i, b)| b.offset * bytes(i))
        .collect();
    let lengths: Vec<i64> = bindings
        .iter()
        .enumerate()
        .map(|(i, b)| b.elements * bytes(i))
        .collect();
    let access: Vec<i64> = (bindings.iter())
        .map(|b| match b.access {
            Access::Read => 0,
            Access::Write => 1,
            Access::ReadWrite => 2,
        })
        .collect();
    let roots: Vec<Value> = request.buffers.iter().map(|b| b.root).collect();
    let list = |values: &[i64]| Attr::i64_array(op.ctx(), values);
    let attrs = [
        ("kernel", Attr::symbol_ref(op.ctx(), KERNELS, &known.name)),
        ("groups", list(&known.groups.map(i64::from))),
        ("workgroup", list(&known.workgroup.map(i64::from))),
        ("offsets", list(&offsets)),
        ("lengths", list(&lengths)),
        ("access", list(&access)),
    ];
    at.op("spec.launch", &roots, &[], &attrs, &[]);
    Ok(())
}

/// All assertions as one launch, at the last of them.
fn lower_asserts(function: Op, status: Value, kernels: &mut Kernels) -> Result<(), Diagnostics> {
    let asserts: Vec<Op> = function
        .nested()
        .into_iter()
        .filter(|o| o.name() == "cf.assert")
        .collect();
    let Some(last) = asserts.last().copied() else {
        return Ok(());
    };
    let mut scalars = Scalars::default();
    let mut conditions = vec![];
    for assert in &asserts {
        let fail = |message: String| Diagnostics::at(assert.loc(), message);
        let value = assert
            .operand(0)
            .ok_or_else(|| fail("an assertion of nothing".into()))?;
        let condition = scalars.cond(value).map_err(fail)?;
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    let mut buffers = vec![request::Buffer {
        root: status,
        offset: 0,
    }];
    buffers.extend(scalars.buffers());
    let kernel = Kernel::Check(Check {
        conditions,
        scalars: scalars.dtypes(),
    });
    launch(last, &Request { kernel, buffers }, kernels)
        .map_err(|m| Diagnostics::at(last.loc(), m))?;
    asserts.into_iter().for_each(Op::erase);
    Ok(())
}
