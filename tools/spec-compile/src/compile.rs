//! The way from files to a bundle, step by step.

use crate::args::{Cli, Emit};
use crate::console::Console;
use crate::error::CompileError;
use crate::function::{Prepared, describe, role, weights};
use crate::header::header;
use crate::input;
use crate::interface::{Interface, interface};
use crate::kernels::{self, Counts, GENERIC};
use crate::link;
use crate::names::Names;
use crate::output::{Output, archive, inspect};
use crate::regions::{Region, Regions, Skipped, regions};
use crate::summary::{FunctionSummary, NotCompiled, RegionSummary, Summary};
use crate::target::{Core, HOST, of_host, of_unit};
use spec_codegen::emit::{Emitted, Keep, emit};
use spec_codegen::ffi::Session;
use spec_codegen::pipeline;
use spec_cost::Soc;
use spec_dialect::attrs::Plan;
use spec_dialect::ffi::{Attr, Op};
use spec_runtime::manifest::{self, Function, Library, Manifest};
use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

/// Steps that every run has, and steps of each region.
const STEPS: (usize, usize) = (4, 3);

/// A region as machine code.
struct Compiled {
    region: Region,
    core: Core,
    /// MLIR after `prepare`, if it was asked for.
    mlir: Option<String>,
    emitted: Emitted,
    code_bytes: u64,
    functions: Vec<Function>,
    interfaces: Vec<Interface>,
    counts: Vec<Counts>,
}

/// Compiles what the command line names, writes the bundle.
///
/// # Errors
/// [`CompileError`]; nothing is written then.
pub fn compile(cli: &Cli, console: &mut Console) -> Result<Summary, CompileError> {
    let start = Instant::now();
    let soc = Soc::load(&cli.soc)?;
    let names = Names::read(&cli.argument_names)?;
    let output = Output::start(&cli.output)?;
    spec_dialect::ffi::register_upstream_passes();
    spec_passes::register();
    spec_codegen::register();
    let session = Session::new();
    let module = console.step("read", |c| input::read(&session, c, cli))?;
    console.step("plan", |c| input::plan(&session, c, cli, module))?;
    let Regions { cpu, skipped } = regions(module, &soc, cli.target_device.as_deref())?;
    console.expect(STEPS.0 + STEPS.1 * cpu.len());
    let skipped = skipped.iter().map(|s| not_compiled(console, s)).collect();
    let mut taken = HashSet::new();
    let mut compiled = vec![];
    for region in cpu {
        compiled.push(compile_region(
            cli, console, &session, &soc, &names, region, &mut taken,
        )?);
    }
    warn_of_names(console, &names, &compiled);
    console.step("libraries", |_| libraries(cli, &output, &compiled))?;
    let manifest = manifest(cli, &soc, module, &output, &mut compiled)?;
    output.write("model.h", self::header_of(&manifest, &compiled))?;
    output.write(manifest::FILE_NAME, manifest.to_json()?)?;
    let files = console.step("files", |_| output.finish())?;
    Ok(Summary {
        soc: soc.name().to_owned(),
        regions: compiled.iter().map(region_summary).collect(),
        not_compiled: skipped,
        functions: compiled.iter().flat_map(function_summaries).collect(),
        files,
        steps: console
            .steps()
            .iter()
            .map(|(n, t)| (n.clone(), t.as_secs_f64()))
            .collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

fn not_compiled(console: &mut Console, skipped: &Skipped) -> NotCompiled {
    let (unit, role) = (&skipped.placement.device, skipped.placement.role);
    let why = format!("it is placed on '{unit}', and this version compiles CPU regions only");
    let text = format!(
        "@{} is not compiled: {why}; to have it on a CPU, add --{role}-device UNIT",
        skipped.name
    );
    console.warn(&text);
    NotCompiled {
        name: skipped.name.clone(),
        role: role.to_string(),
        unit: unit.clone(),
        why,
    }
}

/// One region: tensors to buffers, buffers to the LLVM dialect, machine code.
fn compile_region(
    cli: &Cli,
    console: &mut Console,
    session: &Session,
    soc: &Soc,
    names: &Names,
    region: Region,
    taken: &mut HashSet<String>,
) -> Result<Compiled, CompileError> {
    let core = core(cli, console, soc, &region)?;
    input::identify_again(session, cli, &region);
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
    let symbols = region.rename_entries(taken);
    let module = region.module;
    let what = format!("{}: cannot be compiled", region.name);
    console.step("prepare", |c| {
        input::run(session, c, module, &pipeline::prepare(&cli.quantize), &what)
    })?;
    let mut counted = kernels::count(module);
    let mut functions = vec![];
    for ((_, symbol), interface) in symbols.iter().zip(&interfaces) {
        functions.push(describe(interface, symbol, &prepared(module, symbol)?)?);
    }
    let counts = symbols
        .iter()
        .map(|(_, s)| counted.remove(s).unwrap_or_default())
        .collect();
    let mlir = cli.emits(Emit::Mlir).then(|| module.to_text());
    console.step("lower", |c| {
        input::run(session, c, module, &pipeline::lower(&core.target), &what)
    })?;
    hide(module);
    let keep = Keep {
        ir: cli.emits(Emit::Llvm),
        assembly: cli.emits(Emit::Asm),
    };
    let emitted = console.step("machine code", |c| {
        let emitted = emit(session, module, &core.machine, keep);
        c.show(session.messages());
        emitted
    })?;
    let (code_bytes, defined) = inspect(&emitted.object)?;
    for (_, symbol) in &symbols {
        if !defined.contains(symbol) {
            return Err(CompileError::Internal(format!(
                "the object lacks the function '{symbol}'"
            )));
        }
    }
    Ok(Compiled {
        region,
        core,
        mlir,
        emitted,
        code_bytes,
        functions,
        interfaces,
        counts,
    })
}

fn core(
    cli: &Cli,
    console: &mut Console,
    soc: &Soc,
    region: &Region,
) -> Result<Core, CompileError> {
    if cli.soc == HOST {
        return of_host(console);
    }
    let unit = soc.unit(&region.unit);
    let unit = unit.ok_or_else(|| CompileError::Internal(format!("no unit '{}'", region.unit)))?;
    of_unit(soc, unit)
}

fn prepared(module: Op, symbol: &str) -> Result<Prepared, CompileError> {
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let entry = ops.into_iter().find(|o| o.symbol() == Some(symbol));
    let entry = entry.ok_or_else(|| CompileError::Internal(format!("@{symbol} is gone")))?;
    Prepared::read(entry)
}

/// Functions that nobody outside calls become internal: two regions may have kernels of the same name.
fn hide(module: Op) {
    let internal = Attr::parse(module.ctx(), "#llvm.linkage<internal>");
    for op in module.body().map(|b| b.ops()).unwrap_or_default() {
        let private = op.str_attr("sym_visibility") == Some("private");
        let has_body = op.region_count() > 0 && !op.region_blocks(0).is_empty();
        if let Some(internal) = internal.filter(|_| op.name() == "llvm.func" && private && has_body)
        {
            op.set_attr("linkage", internal);
        }
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

/// Objects, the static library, the shared library, and what `--emit` asks for.
fn libraries(cli: &Cli, output: &Output, compiled: &[Compiled]) -> Result<(), CompileError> {
    let object = |c: &Compiled| (format!("{}.o", c.region.name), c.emitted.object.clone());
    let objects: Vec<(String, Vec<u8>)> = compiled.iter().map(object).collect();
    output.write("libmodel.a", archive(&objects)?)?;
    if let [(_, only)] = &objects[..] {
        output.write("model.o", only)?;
    } else {
        let parts =
            tempfile::tempdir_in(output.path("")).map_err(CompileError::writing(&cli.output))?;
        let mut paths = vec![];
        for (name, object) in &objects {
            let path = parts.path().join(name);
            std::fs::write(&path, object).map_err(CompileError::writing(&path))?;
            paths.push(path);
        }
        let paths: Vec<_> = paths.iter().map(|p| p.as_path()).collect();
        link::join(&paths, &output.path("model.o"))?;
    }
    for c in compiled {
        let name = &c.region.name;
        let texts = [
            ("mlir", &c.mlir),
            ("ll", &c.emitted.ir),
            ("s", &c.emitted.assembly),
        ];
        for (extension, text) in texts {
            if let Some(text) = text {
                output.write(&format!("{name}.{extension}"), text)?;
            }
        }
        if cli.emits(Emit::Obj) {
            output.write(&format!("{name}.o"), &c.emitted.object)?;
        }
    }
    if cli.no_link {
        return Ok(());
    }
    let triple = compiled
        .first()
        .map_or("", |c| c.core.machine.triple.as_str());
    link::share(triple, &output.path("model.o"), &output.path("model.so"))
}

/// The table of contents. Names of weights in `compiled` become unique.
fn manifest(
    cli: &Cli,
    soc: &Soc,
    module: Op,
    output: &Output,
    compiled: &mut [Compiled],
) -> Result<Manifest, CompileError> {
    let file = if cli.no_link {
        "libmodel.a"
    } else {
        "model.so"
    };
    let path = output.path(file);
    let library = std::fs::read(&path).map_err(CompileError::reading(&path))?;
    let mut functions: Vec<Function> = compiled.iter().flat_map(|c| c.functions.clone()).collect();
    let interfaces: Vec<Interface> = compiled.iter().flat_map(|c| c.interfaces.clone()).collect();
    let weights = weights(&mut functions, &interfaces)?;
    let mut kernels: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, n) in compiled.iter().flat_map(|c| &c.counts).flatten() {
        *kernels.entry(kind.clone()).or_default() += n;
    }
    let is_target = |c: &&Compiled| c.region.role != Some(spec_dialect::attrs::Role::Drafter);
    let main = compiled.iter().find(is_target).or(compiled.first());
    let main = main.ok_or_else(|| CompileError::Internal("no region".into()))?;
    let mut features: Vec<String> = compiled
        .iter()
        .flat_map(|c| c.core.features.clone())
        .collect();
    features.sort();
    features.dedup();
    Ok(Manifest {
        format_version: manifest::FORMAT_VERSION,
        tool: concat!("spec-compile ", env!("CARGO_PKG_VERSION")).into(),
        soc: soc.name().to_owned(),
        target: manifest::Target {
            triple: main.core.machine.triple.clone(),
            cpu: main.core.machine.cpu.clone(),
            features,
        },
        library: Library {
            file: file.into(),
            bytes: library.len() as u64,
            crc32: crc32fast::hash(&library),
        },
        plan: plan(module),
        functions,
        weights,
        kernels,
    })
}

/// The plan of a partitioned module.
fn plan(module: Op) -> Option<manifest::Plan> {
    let plan = module.attr("spec.plan").and_then(Plan::from_attr)?;
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let placed = ops.iter().filter_map(|o| o.attr("spec.placement"));
    let placed = placed.filter_map(spec_dialect::attrs::Placement::from_attr);
    let mut placements: Vec<manifest::Placement> = vec![];
    for p in placed {
        let role = role(Some(p.role));
        if placements.iter().all(|q| q.role != role) {
            let cores = u32::try_from(p.units).unwrap_or(1);
            placements.push(manifest::Placement {
                role,
                device: p.device,
                cores,
            });
        }
    }
    Some(manifest::Plan {
        gamma: u32::try_from(plan.draft_length).ok()?,
        strategy: plan.strategy.to_string(),
        speed_up: plan.speedup,
        placements,
    })
}

fn header_of(manifest: &Manifest, compiled: &[Compiled]) -> String {
    let interfaces = compiled.iter().flat_map(|c| &c.interfaces);
    let entries: Vec<_> = manifest.functions.iter().zip(interfaces).collect();
    let title = format!(
        "Made by {} for {} ({}).",
        manifest.tool, manifest.soc, manifest.target.cpu
    );
    header(&title, &entries)
}

fn region_summary(c: &Compiled) -> RegionSummary {
    RegionSummary {
        name: c.region.name.clone(),
        unit: c.region.unit.clone(),
        cores: c.region.cores,
        cpu: c.core.machine.cpu.clone(),
        code_bytes: c.code_bytes,
    }
}

fn function_summaries(c: &Compiled) -> impl Iterator<Item = FunctionSummary> {
    c.functions.iter().zip(&c.counts).map(|(f, counts)| {
        let generic = counts.get(GENERIC).copied().unwrap_or(0);
        FunctionSummary {
            symbol: f.symbol.clone(),
            region: c.region.name.clone(),
            tokens: f.tokens,
            workspace_bytes: f.workspace_bytes,
            recognised: counts.values().sum::<u64>() - generic,
            generic,
            kernels: counts.clone(),
        }
    })
}
