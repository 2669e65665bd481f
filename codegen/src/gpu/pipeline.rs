//! The way of kernels from the `gpu` dialect to SPIR-V, as a textual pipeline of named passes.

use spec_dialect::ffi::{Attr, Op};
use spec_kernels::gpu::Device;

/// From `gpu.module`s to `spirv.module`s of the same names. Functions and launches beside them stay as they are.
///
/// Each `gpu.module` must have the attribute that [`set_target`] gives it.
pub fn lower(device: &Device) -> String {
    let passes = [
        // Stock scf.for loses its results when it has no trip; scf.while does not.
        "gpu.module(map-memref-spirv-storage-class{client-api=vulkan},fold-memref-alias-ops,gpu.func(scf-for-to-while)",
        "canonicalize,cse,convert-math-to-spirv)",
        "convert-gpu-to-spirv",
        "spirv.module(spirv-lower-abi-attrs,canonicalize,cse,spirv-update-vce)",
        &format!("spec-finish-spirv{{{}}}", options(device)),
    ];
    format!("builtin.module({})", passes.join(","))
}

/// What `spec-finish-spirv` must know of a device besides the target environment.
fn options(device: &Device) -> String {
    let storage_only = [
        // not a question that kernels ask: they widen at once
        ("Int16", false),
        ("Float16", device.float16),
        ("Int8", device.int8),
    ];
    let storage_only: Vec<&str> = (storage_only.iter())
        .filter(|(_, computes)| !computes)
        .map(|(name, _)| *name)
        .collect();
    format!(
        "storage-only={} bindings={}",
        storage_only.join(","),
        device.bindings
    )
}

/// Gives every `gpu.module` in `module` its target environment, from which stock passes take what types and ops are allowed.
pub fn set_target(module: Op, device: &Device) {
    let text = environment(device);
    let target = Attr::parse(module.ctx(), &text)
        .unwrap_or_else(|| panic!("'{text}' is no target environment"));
    let all = module.nested();
    for gpu in all.into_iter().filter(|o| o.name() == "gpu.module") {
        gpu.set_attr("spirv.target_env", target);
    }
}

/// `#spirv.target_env<...>` of a Vulkan 1.3 device.
///
/// Small types are there as soon as buffers may hold them: stock type conversion would otherwise take other types in their place, without
/// a word. `spec-finish-spirv` refuses to compute with them where the device cannot.
pub fn environment(device: &Device) -> String {
    let (storage16, storage8) = (device.storage16, device.storage8);
    let capabilities = [
        ("Shader", true),
        ("GroupNonUniform", true), // Vulkan asks for it
        ("StorageBuffer16BitAccess", storage16),
        ("Int16", storage16),
        ("Float16", storage16 || device.float16),
        ("StorageBuffer8BitAccess", storage8),
        ("Int8", storage8 || device.int8),
        ("DotProduct", device.dot4x8),
        ("DotProductInput4x8BitPacked", device.dot4x8),
        ("DotProductInput4x8Bit", device.dot4x8 && device.int8),
    ];
    let extensions = [
        ("SPV_KHR_storage_buffer_storage_class", true),
        ("SPV_KHR_16bit_storage", storage16),
        ("SPV_KHR_8bit_storage", storage8),
        ("SPV_KHR_integer_dot_product", device.dot4x8),
        ("SPV_KHR_non_semantic_info", true), // what lines for debuggers need
    ];
    let n = device.invocations;
    format!(
        "#spirv.target_env<#spirv.vce<v1.6, [{}], [{}]>, api=Vulkan, #spirv.resource_limits<\
         max_compute_shared_memory_size = {}, max_compute_workgroup_invocations = {n}, \
         max_compute_workgroup_size = [{n}, {n}, {}], subgroup_size = {}>>",
        list(&capabilities),
        list(&extensions),
        device.shared_bytes,
        n.min(MAX_Z),
        device.subgroup
    )
}

/// What Vulkan promises for a workgroup's third dimension.
const MAX_Z: u32 = 64;

fn list(entries: &[(&str, bool)]) -> String {
    let names: Vec<&str> = (entries.iter())
        .filter(|(_, there)| *there)
        .map(|(name, _)| *name)
        .collect();
    names.join(", ")
}
