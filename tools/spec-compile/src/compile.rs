//! The way from files to a bundle, step by step.

use crate::args::{Cli, Emit};
use crate::bundle;
use crate::console::Console;
use crate::cpu::{self, CpuCode};
use crate::error::CompileError;
use crate::function::Prepared;
use crate::gpu::{self, GpuCode};
use crate::input;
use crate::interface::{Interface, interface};
use crate::kernels::Counts;
use crate::names::Names;
use crate::output::Output;
use crate::plan::{self, Decision};
use crate::quantize::Quantize;
use crate::regions::{Region, regions};
use crate::summary::{self, Summary};
use spec_codegen::ffi::Session;
use spec_cost::{Soc, UnitKind};
use spec_dialect::ffi::{Attr, Op};
use spec_runtime::manifest::Function;
use std::collections::HashSet;
use std::time::Instant;

/// Steps that every run has, and steps of a region on a CPU and on a GPU.
const STEPS: (usize, usize, usize) = (4, 3, 2);

/// What every step needs to know.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The command line.
    pub cli: &'a Cli,
    /// The context of all modules.
    pub session: &'a Session,
    /// The device.
    pub soc: &'a Soc,
    /// How weights are stored.
    pub quantize: &'a Quantize,
    /// The models and the plan, where they were found.
    pub decision: &'a Decision,
}

/// The functions of a region that others may call, before they are lowered.
pub struct Entries {
    /// What is known of them.
    pub interfaces: Vec<Interface>,
    /// What they are called now: C identifiers, unique in the bundle.
    pub symbols: Vec<String>,
}

/// A region that was compiled.
pub struct Compiled {
    /// The region.
    pub region: Region,
    /// Its functions; their names of weights become unique in `bundle::manifest`.
    pub functions: Vec<Function>,
    /// What was known of them before.
    pub interfaces: Vec<Interface>,
    /// What they are called in the bundle.
    pub symbols: Vec<String>,
    /// Ops or dispatches by kind, one a function.
    pub counts: Vec<Counts>,
    /// MLIR before it is lowered, if it was asked for.
    pub mlir: Option<String>,
    /// Its code.
    pub code: Code,
}

/// Code of a region.
pub enum Code {
    /// For a CPU.
    Cpu(CpuCode),
    /// For a GPU.
    Gpu(GpuCode),
}

/// Compiles what the command line names, writes the bundle.
///
/// # Errors
/// [`CompileError`]; nothing is written then.
pub fn compile(cli: &Cli, console: &mut Console) -> Result<Summary, CompileError> {
    let start = Instant::now();
    let soc = Soc::load(&cli.soc)?;
    let names = Names::read(&cli.argument_names)?;
    let quantize = Quantize::read(cli)?;
    let output = Output::start(&cli.output)?;
    spec_dialect::ffi::register_upstream_passes();
    spec_passes::register();
    spec_codegen::register();
    let session = Session::new();
    let module = console.step("read", |c| input::read(&session, c, cli))?;
    let decision = console.step("plan", |c| {
        plan::plan(&session, c, cli, &soc, &quantize, module)
    })?;
    let regions = regions(module, &soc, cli, decision.whole)?;
    if decision.whole {
        for region in &regions {
            let unused = "builtin.module(symbol-dce)"; // helpers of the other model
            input::run(&session, console, region.module, unused, &region.name)?;
        }
    }
    let on_gpu = regions.iter().filter(|r| r.kind == UnitKind::Gpu).count();
    console.expect(STEPS.0 + STEPS.1 * (regions.len() - on_gpu) + STEPS.2 * on_gpu);
    warn_of_flags(cli, console, regions.len() - on_gpu, on_gpu);
    let job = Job {
        cli,
        session: &session,
        soc: &soc,
        quantize: &quantize,
        decision: &decision,
    };
    let mut taken = HashSet::new();
    let mut compiled = vec![];
    for region in regions {
        let entries = entries(job, &region, &names, &mut taken)?;
        compiled.push(match region.kind {
            UnitKind::Cpu => cpu::compile(job, console, region, entries)?,
            UnitKind::Gpu => gpu::compile(job, console, region, entries, on_gpu == 1)?,
        });
    }
    warn_of_names(console, &names, &compiled);
    console.step("libraries", |_| bundle::write_code(cli, &output, &compiled))?;
    bundle::write_manifest(job, &output, &mut compiled)?;
    let files = console.step("files", |_| output.finish())?;
    let steps = console.steps().iter();
    Ok(Summary {
        soc: soc.name().to_owned(),
        plan: decision.summary.clone(),
        regions: compiled.iter().map(summary::region).collect(),
        functions: compiled.iter().flat_map(summary::functions).collect(),
        files,
        steps: steps.map(|(n, t)| (n.clone(), t.as_secs_f64())).collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Finds out what the entries of a region are for, and names them.
fn entries(
    job: Job<'_>,
    region: &Region,
    names: &Names,
    taken: &mut HashSet<String>,
) -> Result<Entries, CompileError> {
    input::identify_again(job.session, job.cli, region);
    let entries = region.entries();
    if entries.is_empty() {
        let text = format!(
            "{}: no public function with a body: nothing to compile",
            region.name
        );
        return Err(CompileError::Refused(text));
    }
    let interfaces: Vec<Interface> = entries
        .iter()
        .map(|e| interface(*e, region.role, names))
        .collect();
    for (entry, interface) in entries.iter().zip(&interfaces) {
        entry.remove_attr("llvm.emit_c_interface"); // it would add symbols
        // what quantisation asks for where there is no #spec.model
        if let Some(role) = interface.role {
            entry.set_attr("spec.role", Attr::string(entry.ctx(), &role.to_string()));
        }
    }
    let renamed = region.rename_entries(taken);
    Ok(Entries {
        interfaces,
        symbols: renamed.into_iter().map(|(_, symbol)| symbol).collect(),
    })
}

/// The function `symbol` of a module.
///
/// # Errors
/// It is not there: our bug.
pub fn find(module: Op, symbol: &str) -> Result<Op, CompileError> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let entry = ops.into_iter().find(|o| o.symbol() == Some(symbol));
    entry.ok_or_else(|| CompileError::Internal(format!("@{symbol} is gone")))
}

/// What the pipeline left at the function `symbol`.
///
/// # Errors
/// Nothing: our bug.
pub fn prepared(module: Op, symbol: &str) -> Result<Prepared, CompileError> {
    Prepared::read(find(module, symbol)?)
}

/// Flags that have no effect on what is compiled.
fn warn_of_flags(cli: &Cli, console: &mut Console, on_cpu: usize, on_gpu: usize) {
    let mut unused = vec![];
    if on_cpu == 0 {
        let kinds = [
            (Emit::Llvm, "--emit=llvm"),
            (Emit::Asm, "--emit=asm"),
            (Emit::Obj, "--emit=obj"),
        ];
        let given = kinds.iter().filter(|(kind, _)| cli.emits(*kind));
        unused.extend(given.map(|(_, flag)| (*flag, "CPU")));
    }
    if on_gpu == 0 && cli.emits(Emit::SpirvAsm) {
        unused.push(("--emit=spirv-asm", "GPU"));
    }
    if on_gpu == 0 && cli.debug_names {
        unused.push(("--debug-names", "GPU"));
    }
    for (flag, kind) in unused {
        console.warn(&format!(
            "{flag} has no effect: nothing is placed on a {kind}"
        ));
    }
}

fn warn_of_names(console: &mut Console, names: &Names, compiled: &[Compiled]) {
    let interfaces = compiled.iter().flat_map(|c| &c.interfaces);
    let functions: Vec<(String, usize)> = interfaces
        .map(|i| (i.name.clone(), i.arguments.len()))
        .collect();
    let named = |i: &Interface| i.arguments.iter().any(|a| a.name.is_some() && !a.made_up);
    if compiled.iter().flat_map(|c| &c.interfaces).any(named) {
        return; // a function within may have been meant
    }
    for text in names.unused(&functions) {
        console.warn(&format!("--argument-names: {text}"));
    }
}
