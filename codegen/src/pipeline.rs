//! The way of a region from tensors to the LLVM dialect, or to kernels of a GPU, as textual pipelines of named passes.

use crate::{gpu, gpu_device};
use spec_kernels::Target;
use spec_kernels::gpu::Device;

/// From an exporter's function to model ops on buffers. Functions must be public; private ones are inlined.
///
/// `quantise` are options of `spec-quantize`, such as `drafter=i4g32`; empty: the weights stay as they are.
pub fn prepare(quantise: &str) -> String {
    // no allocation is left
    let passes = [
        to_buffers("", quantise, ""),
        "func.func(spec-forward-layouts),canonicalize,cse".into(),
        "func.func(spec-plan-memory),canonicalize,cse,spec-share-layers".into(),
    ];
    format!("builtin.module({})", passes.join(","))
}

/// From an exporter's function to launches of kernels in the `gpu` dialect, for a GPU like `device`; `quantise` as in [`prepare`].
pub fn prepare_gpu(quantise: &str, device: &Device) -> String {
    let device = gpu_device::to_options(device);
    let passes = [
        // what changes from call to call is in buffers, and a schedule is a straight line
        to_buffers(
            ",func.func(spec-scalars-to-tensors)",
            quantise,
            "func.func(spec-unroll-loops),canonicalize,cse,",
        ),
        // from here on, every buffer that is made is scratch memory
        "func.func(spec-plan-memory{places=false})".into(),
        // layouts first: they say where the rows of a product go
        "func.func(spec-forward-layouts),canonicalize,cse".into(),
        format!("func.func(spec-group-kernels{{{device}}}),spec-lower-to-gpu{{{device}}}"),
        "func.func(canonicalize,cse)".into(),
        format!(
            "func.func(spec-plan-memory{{alignment={}}}),func.func(cse)",
            gpu::ALIGNMENT
        ),
    ];
    format!("builtin.module({})", passes.join(","))
}

/// `first` are passes on the model as it was exported, `then` such on the raised and quantised one; with a comma in front or behind.
fn to_buffers(first: &str, quantise: &str, then: &str) -> String {
    let quantise = match quantise {
        "" => String::new(),
        options => format!("spec-quantize{{{options}}},canonicalize,cse,"),
    };
    let passes = [
        // one function a model, so that every pattern is seen whole
        &format!("inline,symbol-dce,canonicalize,cse{first}"),
        // what the ops mean, rather than how an exporter wrote them
        "spec-raise,canonicalize,cse",
        &format!(
            "{quantise}{then}func.func(spec-decompose,linalg-fuse-elementwise-ops,spec-check-bounds),canonicalize,cse"
        ),
        // buffers: caches in place, weights never copied
        "func.func(spec-prepare-entry)",
        "one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map}",
        "canonicalize,cse",
    ];
    passes.join(",")
}

/// From model ops on buffers to the LLVM dialect, for cores like `target`.
pub fn lower(target: &Target) -> String {
    let passes = [
        format!("spec-lower-kernels{{{}}}", options(target)),
        "func.func(spec-c-abi)".into(),
        // the generic path: what no kernel covers; f32 to bf16 would be a call of a library that a target may lack
        "func.func(spec-split-reductions{sums=false},arith-expand{include-bf16=true},convert-linalg-to-loops)".into(),
        "expand-strided-metadata,lower-affine,convert-scf-to-cf".into(),
        "convert-vector-to-llvm,convert-math-to-llvm,convert-math-to-libm,finalize-memref-to-llvm".into(),
        "convert-func-to-llvm,convert-arith-to-llvm,convert-cf-to-llvm,convert-index-to-llvm,convert-ub-to-llvm".into(),
        "reconcile-unrealized-casts,canonicalize,cse".into(),
    ];
    format!("builtin.module({})", passes.join(","))
}

/// `target` as options of `spec-lower-kernels`.
fn options(target: &Target) -> String {
    let arch = target.arch.name();
    let features: Vec<&str> = target.features.iter().map(|f| f.name()).collect();
    format!(
        "arch={arch} vector-bits={} vector-registers={} l1-bytes={} features={}",
        target.vector_bits,
        target.vector_registers,
        target.l1_bytes,
        features.join(",")
    )
}
