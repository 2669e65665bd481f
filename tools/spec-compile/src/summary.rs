//! What was made, as a table or as JSON.

use crate::kernels::{Counts, GENERIC};
use serde::Serialize;
use std::fmt::Write;

/// What was made.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The device.
    pub soc: String,
    /// Regions that were compiled.
    pub regions: Vec<RegionSummary>,
    /// Regions that were not, and why.
    pub not_compiled: Vec<NotCompiled>,
    /// Functions of the library.
    pub functions: Vec<FunctionSummary>,
    /// Files of the bundle: name, bytes.
    pub files: Vec<(String, u64)>,
    /// Steps: name, seconds.
    pub steps: Vec<(String, f64)>,
    /// All of it, seconds.
    pub seconds: f64,
}

/// A region that was compiled.
#[derive(Debug, Serialize)]
pub struct RegionSummary {
    /// Name of the device module.
    pub name: String,
    /// Unit of the device file.
    pub unit: String,
    /// Cores of it.
    pub cores: u32,
    /// LLVM's name of the core.
    pub cpu: String,
    /// Bytes of machine code.
    pub code_bytes: u64,
}

/// A region that was not compiled.
#[derive(Debug, Serialize)]
pub struct NotCompiled {
    /// Name of the device module.
    pub name: String,
    /// Role of its model.
    pub role: String,
    /// Unit of the device file.
    pub unit: String,
    /// Why.
    pub why: String,
}

/// A function of the library.
#[derive(Debug, Serialize)]
pub struct FunctionSummary {
    /// Its symbol.
    pub symbol: String,
    /// Its region.
    pub region: String,
    /// Tokens of a call.
    pub tokens: u32,
    /// Bytes of workspace.
    pub workspace_bytes: u64,
    /// Model ops that became kernels, in one call.
    pub recognised: u64,
    /// Ops of a call that are generic code.
    pub generic: u64,
    /// Ops of a call by kind.
    pub kernels: Counts,
}

/// A byte count for people.
fn bytes(n: u64) -> String {
    match n {
        0..=9_999 => format!("{n} B"),
        10_000..=9_999_999 => format!("{:.1} kB", n as f64 / 1e3),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

impl Summary {
    /// The readable form.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let wide = self
            .functions
            .iter()
            .map(|f| f.symbol.len())
            .max()
            .unwrap_or(0)
            .max(8);
        let _ = writeln!(
            out,
            "{:wide$}  {:>6}  {:>10}  {:>8}  {:>11}  kernels",
            "function", "tokens", "recognised", "generic", "workspace"
        );
        for f in &self.functions {
            let kinds = f.kernels.iter().filter(|(k, _)| *k != GENERIC);
            let kinds: Vec<String> = kinds.map(|(k, n)| format!("{n} {k}")).collect();
            let _ = writeln!(
                out,
                "{:wide$}  {:>6}  {:>10}  {:>8}  {:>11}  {}",
                f.symbol,
                f.tokens,
                f.recognised,
                f.generic,
                bytes(f.workspace_bytes),
                kinds.join(", ")
            );
        }
        for r in &self.regions {
            let cores = if r.cores == 1 { "core" } else { "cores" };
            let _ = writeln!(
                out,
                "{}: {} of code for {} {cores} of '{}' ({})",
                r.name,
                bytes(r.code_bytes),
                r.cores,
                r.unit,
                r.cpu
            );
        }
        for n in &self.not_compiled {
            let _ = writeln!(out, "{}: not compiled: {}", n.name, n.why);
        }
        let files: Vec<String> = self
            .files
            .iter()
            .map(|(n, b)| format!("{n} {}", bytes(*b)))
            .collect();
        let _ = writeln!(out, "files: {}", files.join(", "));
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|(n, s)| format!("{n} {}", time(*s)))
            .collect();
        let _ = writeln!(out, "time: {} ({})", time(self.seconds), steps.join(", "));
        out
    }
}
