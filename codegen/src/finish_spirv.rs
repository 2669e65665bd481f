//! Makes what stock lowering leaves of kernels a valid SPIR-V module, which asks for no more than it uses.
//!
//! *Before*: `spirv-update-vce` gives the lowest version, in which the interface of the entry point is not valid, and forgets the capability of
//! built-ins of subgroups; push constants have a binding.
//!
//! ```mlir
//! spirv.module @__spv__m Logical GLSL450 requires #spirv.vce<v1.0, [Shader, Matrix], [SPV_KHR_storage_buffer_storage_class]> {
//!   spirv.GlobalVariable @k_arg_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
//!   spirv.GlobalVariable @k_arg_1 bind(0, 1) : !spirv.ptr<!spirv.struct<(!spirv.array<1 x i32, stride=4> [0])>, PushConstant>
//!   spirv.GlobalVariable @size built_in("SubgroupSize") : !spirv.ptr<i32, Input>
//!   spirv.func @k() "None" { spirv.Return }
//!   spirv.EntryPoint "GLCompute" @k, @k_arg_0, @k_arg_1, @size
//! }
//! gpu.module @m { gpu.func @k(%x: memref<?xf32> loc("x"), %push: memref<1xi32> loc("offsets")) kernel { gpu.return } }
//! ```
//!
//! *After*: version, capabilities and extensions fit, so does the interface; variables have the names of the kernel's arguments; the module
//! has the place and the name of the `gpu.module`, so that launches find the kernels in it.
//!
//! ```mlir
//! spirv.module @m Logical GLSL450 requires #spirv.vce<v1.3, [Shader, GroupNonUniform], []> {
//!   spirv.GlobalVariable @k.x bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
//!   spirv.GlobalVariable @k.offsets : !spirv.ptr<!spirv.struct<(!spirv.array<1 x i32, stride=4> [0])>, PushConstant>
//!   spirv.GlobalVariable @size built_in("SubgroupSize") : !spirv.ptr<i32, Input>
//!   spirv.func @k() "None" { spirv.Return }
//!   spirv.EntryPoint "GLCompute" @k, @size
//! }
//! ```
//!
//! *Why here*: what a module asks for is known when its ops are; a driver refuses a module that asks for a feature that it lacks, even if unused.
//!
//! *Legality*: no instruction changes. A kernel is an error, at the op, if it computes with a type which the device can only store, if it passes
//! a limit of the device (invocations, workgroup memory, buffers, push constants), or if stock type conversion changed one of its types:
//! where a device lacks f16 or i8, and for bf16 always, it takes types of 32 bits without a word, and buffers are read as something else.
//!
//! *Options*: `storage-only`, capabilities of `Int8`, `Int16` and `Float16` that the target environment names so that buffers of these types
//! lower right, and that the device lacks. `bindings`, storage buffers that a kernel may have (0: any number).
//!
//! *Neighbours*: after `spirv-lower-abi-attrs` and `spirv-update-vce`; before serialization.
//!
//! *Does not do*: it trusts the target environment for everything else, and leaves instructions to the validator.

mod capabilities;
mod limits;
mod symbols;
mod types;
mod vce;

use spec_dialect::ffi::{Ctx, Op, OptionKind, Options};
use spec_dialect::pass::{Diagnostics, OptionDesc, Pass, PassDesc};
use vce::Vce;

/// The pass.
#[derive(Clone, Default)]
pub struct FinishSpirv {
    storage_only: Vec<String>,
    bindings: usize,
}

impl Pass for FinishSpirv {
    const DESC: PassDesc = PassDesc {
        argument: "spec-finish-spirv",
        name: "SpecFinishSpirv",
        help: "Make lowered kernels a valid SPIR-V module that asks for what it uses",
        op: "builtin.module",
        dialects: &[],
        options: &[
            OptionDesc {
                name: "storage-only",
                help: "capabilities (Int8, Int16, Float16) that the device has in buffers only, separated by commas",
                kind: OptionKind::String,
                default: "",
            },
            OptionDesc {
                name: "bindings",
                help: "storage buffers that a kernel may have, 0: any number",
                kind: OptionKind::Int,
                default: "0",
            },
        ],
    };

    fn initialize(&mut self, options: &Options, _: Ctx) -> Result<(), String> {
        let list = options.string("storage-only");
        self.storage_only = list
            .split(',')
            .filter(|s| !s.is_empty())
            .map(String::from)
            .collect();
        for name in &self.storage_only {
            if !capabilities::is_small_type(name) {
                return Err(format!(
                    "storage-only: '{name}' is none of Int8, Int16 and Float16"
                ));
            }
        }
        let n = options.int("bindings");
        self.bindings = usize::try_from(n).map_err(|_| format!("bindings: {n} is negative"))?;
        Ok(())
    }

    fn run(&mut self, module: Op) -> Result<(), Diagnostics> {
        let all = module.nested();
        for spirv in all.into_iter().filter(|o| o.name() == "spirv.module") {
            self.finish(spirv)?;
        }
        Ok(())
    }
}

impl FinishSpirv {
    fn finish(&self, spirv: Op) -> Result<(), Diagnostics> {
        let vce = spirv.attr("vce_triple").map(|a| a.to_string());
        let Some(mut vce) = vce.as_deref().and_then(Vce::parse) else {
            let what = "spec-finish-spirv: version and capabilities are not known: run spirv-update-vce first";
            return Err(Diagnostics::at(spirv.loc(), what));
        };
        let gpu = symbols::origin(spirv);
        if let Some(gpu) = gpu {
            types::check(spirv, gpu)?;
        }
        limits::check(spirv, self.bindings)?;
        capabilities::exact(spirv, &mut vce, &self.storage_only)?;
        vce.settle();
        spirv.set_attr("vce_triple", vce.attr(spirv.ctx()));
        symbols::unbind_push_constants(spirv);
        symbols::trim_interfaces(spirv, vce.minor);
        if let Some(gpu) = gpu {
            symbols::take_place(spirv, gpu);
        }
        Ok(())
    }
}
