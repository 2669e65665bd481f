//! The files of a bundle: libraries, kernels, the header, the manifest.

use crate::args::{Cli, Emit};
use crate::compile::{Code, Compiled, Job};
use crate::cpu::CpuCode;
use crate::error::CompileError;
use crate::function::{role, weights};
use crate::header::header;
use crate::interface::Interface;
use crate::link;
use crate::output::{Output, archive};
use spec_dialect::attrs::{Placement, Plan, Role};
use spec_dialect::ffi::Op;
use spec_runtime::manifest::{self, File, Function, Manifest};
use std::collections::BTreeMap;

/// The regions on CPUs.
fn on_cpu(compiled: &[Compiled]) -> impl Iterator<Item = (&Compiled, &CpuCode)> {
    compiled.iter().filter_map(|c| match &c.code {
        Code::Cpu(code) => Some((c, code)),
        Code::Gpu(_) => None,
    })
}

/// Writes the code of all regions, and what `--emit` asks for.
///
/// # Errors
/// A file cannot be written, or the linker fails.
pub fn write_code(cli: &Cli, output: &Output, compiled: &[Compiled]) -> Result<(), CompileError> {
    for c in compiled {
        let name = &c.region.name;
        let mut texts = vec![("mlir", &c.mlir)];
        match &c.code {
            Code::Cpu(code) => {
                texts.push(("ll", &code.emitted.ir));
                texts.push(("s", &code.emitted.assembly));
                if cli.emits(Emit::Obj) {
                    output.write(&format!("{name}.o"), &code.emitted.object)?;
                }
            }
            Code::Gpu(code) => {
                texts.push(("spvasm", &code.assembly));
                for (file, contents) in &code.files {
                    output.write(&file.file, contents)?;
                }
            }
        }
        for (extension, text) in texts {
            if let Some(text) = text {
                output.write(&format!("{name}.{extension}"), text)?;
            }
        }
    }
    libraries(cli, output, compiled)
}

/// The object, the static library and the shared library of all CPU regions, if there are any.
fn libraries(cli: &Cli, output: &Output, compiled: &[Compiled]) -> Result<(), CompileError> {
    let object = |(c, code): (&Compiled, &CpuCode)| {
        (format!("{}.o", c.region.name), code.emitted.object.clone())
    };
    let objects: Vec<(String, Vec<u8>)> = on_cpu(compiled).map(object).collect();
    let Some((_, first)) = on_cpu(compiled).next() else {
        return Ok(());
    };
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
    if cli.no_link {
        return Ok(());
    }
    let triple = &first.core.machine.triple;
    link::share(triple, &output.path("model.o"), &output.path("model.so"))
}

/// Writes the header, if there are functions on CPUs, and the manifest.
///
/// # Errors
/// Names of weights clash, or a file cannot be written.
pub fn write_manifest(
    job: Job<'_>,
    module: Op,
    output: &Output,
    compiled: &mut [Compiled],
) -> Result<(), CompileError> {
    let manifest = manifest(job, module, output, compiled)?;
    if let Some(target) = &manifest.target {
        let interfaces = compiled.iter().flat_map(|c| &c.interfaces);
        let all = manifest.functions.iter().zip(interfaces);
        let entries: Vec<_> = all
            .filter_map(|(f, i)| Some((f.symbol.as_deref()?, f, i)))
            .collect();
        let (tool, soc) = (&manifest.tool, &manifest.soc);
        let title = format!("Made by {tool} for {soc} ({}).", target.cpu);
        output.write("model.h", header(&title, &entries))?;
    }
    output.write(manifest::FILE_NAME, manifest.to_json()?)?;
    Ok(())
}

/// The table of contents. Names of weights in `compiled` become unique.
fn manifest(
    job: Job<'_>,
    module: Op,
    output: &Output,
    compiled: &mut [Compiled],
) -> Result<Manifest, CompileError> {
    let mut functions: Vec<Function> = compiled.iter().flat_map(|c| c.functions.clone()).collect();
    let interfaces: Vec<Interface> = compiled.iter().flat_map(|c| c.interfaces.clone()).collect();
    let weights = weights(&mut functions, &interfaces)?;
    let mut kernels: BTreeMap<String, u64> = BTreeMap::new();
    for (kind, n) in compiled.iter().flat_map(|c| &c.counts).flatten() {
        *kernels.entry(kind.clone()).or_default() += n;
    }
    let target = target(compiled);
    let file = if job.cli.no_link {
        "libmodel.a"
    } else {
        "model.so"
    };
    let library = match &target {
        Some(_) => {
            let path = output.path(file);
            let contents = std::fs::read(&path).map_err(CompileError::reading(&path))?;
            Some(File::of(file, &contents))
        }
        None => None,
    };
    Ok(Manifest {
        format_version: manifest::FORMAT_VERSION,
        tool: concat!("spec-compile ", env!("CARGO_PKG_VERSION")).into(),
        soc: job.soc.name().to_owned(),
        target,
        library,
        plan: plan(module),
        functions,
        weights,
        kernels,
    })
}

/// What the library runs on: the core of the target, if that is on a CPU, and the features of all cores.
fn target(compiled: &[Compiled]) -> Option<manifest::Target> {
    let is_target = |(c, _): &(&Compiled, &CpuCode)| c.region.role != Some(Role::Drafter);
    let main = on_cpu(compiled).find(is_target);
    let (_, main) = main.or_else(|| on_cpu(compiled).next())?;
    let features = on_cpu(compiled).flat_map(|(_, code)| code.core.features.clone());
    let mut features: Vec<String> = features.collect();
    features.sort();
    features.dedup();
    Some(manifest::Target {
        triple: main.core.machine.triple.clone(),
        cpu: main.core.machine.cpu.clone(),
        features,
    })
}

/// The plan of a partitioned module.
fn plan(module: Op) -> Option<manifest::Plan> {
    let plan = module.attr("spec.plan").and_then(Plan::from_attr)?;
    let ops = module.body().map(|b| b.ops()).unwrap_or_default();
    let placed = ops.iter().filter_map(|o| o.attr("spec.placement"));
    let placed = placed.filter_map(Placement::from_attr);
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
