//! Ops that only move elements.

use crate::twins::{run_passes, up_to_buffers};
use spec_codegen::pipeline;

/// From tensors to model ops on buffers.
pub fn with_model_ops(module: &str) -> String {
    run_passes(&up_to_buffers(&pipeline::prepare("")), module)
}

/// The number of transpositions and copies, generic ops that only yield their input included.
pub fn layout_ops(module: &str) -> usize {
    let lines: Vec<&str> = module.lines().map(str::trim_start).collect();
    let names = ["linalg.transpose", "linalg.copy", "memref.copy"];
    let moves = |i: usize| {
        let yields = lines
            .get(i + 2)
            .is_some_and(|l| l.starts_with("linalg.yield %in "));
        names.iter().any(|n| lines[i].starts_with(n))
            || (lines[i].starts_with("linalg.generic") && yields)
    };
    (0..lines.len()).filter(|i| moves(*i)).count()
}
