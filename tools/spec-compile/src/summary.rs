//! What was made, as a table or as JSON.

use crate::compile::{Code, Compiled};
use crate::kernels::{Counts, GENERIC};
use serde::Serialize;
use std::fmt::Write;

/// What was made.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// The device.
    pub soc: String,
    /// The cost model's decision in words, where it had a drafter to decide about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub plan: String,
    /// Regions that were compiled.
    pub regions: Vec<RegionSummary>,
    /// All functions.
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
    /// Its code.
    #[serde(flatten)]
    pub code: CodeSummary,
}

/// Code of a region.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum CodeSummary {
    /// On a CPU.
    Cpu {
        /// LLVM's name of the core.
        cpu: String,
        /// Bytes of machine code.
        code_bytes: u64,
    },
    /// On a GPU.
    Gpu {
        /// What the GPU is called.
        gpu: String,
        /// Bytes of SPIR-V.
        spirv_bytes: u64,
        /// Kernels that functions run.
        gpu_kernels: usize,
    },
}

/// A function.
#[derive(Debug, Serialize)]
pub struct FunctionSummary {
    /// Its name in the bundle, which is its symbol on a CPU.
    pub symbol: String,
    /// Its region.
    pub region: String,
    /// Tokens of a call.
    pub tokens: u32,
    /// Bytes of workspace.
    pub workspace_bytes: u64,
    /// Model ops that became kernels, in one call; dispatches of such kernels on a GPU.
    pub recognised: u64,
    /// Ops of a call that are generic code; dispatches of it on a GPU.
    pub generic: u64,
    /// Ops, or dispatches, of a call by kind.
    pub kernels: Counts,
    /// What a GPU does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuSummary>,
}

/// What a GPU does in one call.
#[derive(Debug, Serialize)]
pub struct GpuSummary {
    /// Kernels started.
    pub dispatches: usize,
    /// Of those, waiting for what ran before.
    pub barriers: usize,
    /// Kernels that differ.
    pub kernels: usize,
    /// Bytes of constants.
    pub constants_bytes: u64,
}

/// What is said of a region.
pub fn region(c: &Compiled) -> RegionSummary {
    RegionSummary {
        name: c.region.name.clone(),
        unit: c.region.unit.clone(),
        cores: c.region.cores,
        code: match &c.code {
            Code::Cpu(code) => CodeSummary::Cpu {
                cpu: code.core.machine.cpu.clone(),
                code_bytes: code.code_bytes,
            },
            Code::Gpu(code) => CodeSummary::Gpu {
                gpu: code.target.name.clone(),
                spirv_bytes: code.files[0].0.bytes,
                gpu_kernels: code.kernels,
            },
        },
    }
}

/// What is said of its functions.
pub fn functions(c: &Compiled) -> impl Iterator<Item = FunctionSummary> {
    let all = c.functions.iter().zip(&c.counts).zip(&c.symbols);
    all.map(|((f, counts), symbol)| {
        let generic = counts.get(GENERIC).copied().unwrap_or(0);
        let gpu = f.gpu.as_ref().map(|code| GpuSummary {
            dispatches: code.schedule.dispatches.len(),
            barriers: (code.schedule.dispatches.iter())
                .filter(|d| d.barrier)
                .count(),
            kernels: code.schedule.kernels.len(),
            constants_bytes: code.schedule.constants_bytes,
        });
        FunctionSummary {
            symbol: symbol.clone(),
            region: c.region.name.clone(),
            tokens: f.tokens,
            workspace_bytes: f.workspace_bytes,
            recognised: counts.values().sum::<u64>() - generic,
            generic,
            kernels: counts.clone(),
            gpu,
        }
    })
}

/// A byte count for people.
fn bytes(n: u64) -> String {
    match n {
        0..=9_999 => format!("{n} B"),
        10_000..=9_999_999 => format!("{:.1} kB", n as f64 / 1e3),
        _ => format!("{:.1} MB", n as f64 / 1e6),
    }
}

/// `1 kernel`, `2 kernels`.
fn number(n: usize, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
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
        for (f, gpu) in self
            .functions
            .iter()
            .filter_map(|f| Some((f, f.gpu.as_ref()?)))
        {
            let constants = match gpu.constants_bytes {
                0 => String::new(),
                n => format!(", {} of constants", bytes(n)),
            };
            let _ = writeln!(
                out,
                "{}: {} of {}, {}{constants}",
                f.symbol,
                number(gpu.dispatches, "dispatch", "dispatches"),
                number(gpu.kernels, "kernel", "kernels"),
                number(gpu.barriers, "barrier", "barriers"),
            );
        }
        for r in &self.regions {
            let _ = writeln!(out, "{}", r.text());
        }
        out.push_str(&self.plan);
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

impl RegionSummary {
    fn text(&self) -> String {
        let (name, unit) = (&self.name, &self.unit);
        match &self.code {
            CodeSummary::Cpu { cpu, code_bytes } => {
                let cores = if self.cores == 1 { "core" } else { "cores" };
                let (n, code) = (self.cores, bytes(*code_bytes));
                format!("{name}: {code} of code for {n} {cores} of '{unit}' ({cpu})")
            }
            CodeSummary::Gpu {
                gpu,
                spirv_bytes,
                gpu_kernels,
            } => {
                let spirv = bytes(*spirv_bytes);
                let kernels = number(*gpu_kernels, "kernel", "kernels");
                format!("{name}: {spirv} of SPIR-V, {kernels}, for '{unit}' ({gpu})")
            }
        }
    }
}
