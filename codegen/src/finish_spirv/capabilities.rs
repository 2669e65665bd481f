//! Capabilities, exactly as used.

use super::vce::Vce;
use spec_dialect::ffi::{Op, Value};
use spec_dialect::pass::Diagnostics;

/// Capabilities that computing with a small type needs, and the types.
const SMALL: &[(&str, &str)] = &[("Int8", "i8"), ("Int16", "i16"), ("Float16", "f16")];

/// Ops that take small types without these capabilities, if buffers may hold them.
const STORAGE_OPS: &[&str] = &[
    "spirv.Load",
    "spirv.Store",
    "spirv.FConvert",
    "spirv.SConvert",
    "spirv.UConvert",
    // their types are pointers, which `needs` looks at apart
    "spirv.AccessChain",
    "spirv.GlobalVariable",
    "spirv.mlir.addressof",
];

/// Built-ins that are part of `GroupNonUniform`.
const SUBGROUP_BUILTINS: &[&str] = &[
    "SubgroupSize",
    "NumSubgroups",
    "SubgroupId",
    "SubgroupLocalInvocationId",
];

pub(super) fn is_small_type(capability: &str) -> bool {
    SMALL.iter().any(|(name, _)| *name == capability)
}

/// Adds what `spirv-update-vce` misses, and drops what it lists in vain.
pub(super) fn exact(spirv: Op, vce: &mut Vce, storage_only: &[String]) -> Result<(), Diagnostics> {
    let ops = spirv.nested();
    for (capability, ty) in SMALL {
        let user = ops.iter().copied().find(|op| needs(*op, ty));
        if let (Some(op), true) = (user, storage_only.iter().any(|c| c == capability)) {
            return Err(refused(op, capability, ty));
        }
        if user.is_none() {
            vce.capabilities.retain(|c| c != capability);
        }
    }
    if vce.has("Shader") {
        vce.capabilities.retain(|c| c != "Matrix"); // a part of it
    }
    let reads_subgroup = |op: &Op| {
        let builtin = op.str_attr("built_in");
        builtin.is_some_and(|b| SUBGROUP_BUILTINS.contains(&b))
    };
    // any of the subgroup's capabilities has it as a part
    let has = vce
        .capabilities
        .iter()
        .any(|c| c.starts_with("GroupNonUniform"));
    if ops.iter().any(reads_subgroup) && !has {
        vce.capabilities.push("GroupNonUniform".into());
    }
    Ok(())
}

fn refused(op: Op, capability: &str, ty: &str) -> Diagnostics {
    let name = op.name();
    let what = format!(
        "this device loads, stores and converts {ty} only, and '{name}' computes with it (capability {capability}): convert to 32 bits first"
    );
    Diagnostics::at(op.loc(), what)
}

/// Whether `op` needs the capability of `ty`.
fn needs(op: Op, ty: &str) -> bool {
    if op.name() == "spirv.GlobalVariable" {
        return op
            .attr("type")
            .is_some_and(|t| pointer_needs(&t.to_string(), ty));
    }
    let blocks = (0..op.region_count()).flat_map(|i| op.region_blocks(i));
    let args = blocks.flat_map(|b| b.args());
    let values: Vec<Value> = op.operands().chain(op.results()).chain(args).collect();
    let plain = STORAGE_OPS.contains(&op.name());
    values
        .into_iter()
        .map(|v| v.ty().to_string())
        .any(|t| match t.starts_with("!spirv.ptr<") {
            true => pointer_needs(&t, ty),
            false => !plain && mentions(&t, ty),
        })
}

/// Variables outside of buffers need more than storage.
fn pointer_needs(pointer: &str, ty: &str) -> bool {
    let buffer = [", StorageBuffer>", ", PushConstant>", ", Uniform>"];
    !buffer.iter().any(|b| pointer.ends_with(b)) && mentions(pointer, ty)
}

/// Whether the type `text` is made of `element`: `i16`, `vector<4xi16>`, `!spirv.array<4 x i16>`.
pub(super) fn mentions(text: &str, element: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|token| {
            let lanes = token.strip_suffix(element);
            lanes.is_some_and(|l| l.is_empty() || l.ends_with('x'))
        })
}
