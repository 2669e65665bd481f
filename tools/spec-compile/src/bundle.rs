//! The files of a bundle: libraries, kernels, the header, the manifest.

use crate::args::{Cli, Emit};
use crate::compile::{Code, Compiled, Job};
use crate::cpu::CpuCode;
use crate::error::CompileError;
use crate::function::role;
use crate::header::header;
use crate::interface::Interface;
use crate::link;
use crate::output::{Output, archive};
use crate::plan::{Decision, Model};
use crate::weights::weights;
use spec_dialect::attrs::{Accept, Role};
use spec_runtime::manifest::{self, AcceptRule, File, Function, Manifest, ModelInfo, Placement};
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
    output: &Output,
    compiled: &mut [Compiled],
) -> Result<(), CompileError> {
    let manifest = manifest(job, output, compiled)?;
    if let Some(target) = &manifest.target {
        let all = manifest.functions.iter();
        let entries: Vec<_> = all
            .filter_map(|f| Some((f.symbol.as_deref()?, f)))
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
        plan: plan(job.decision, compiled),
        models: models(&job.decision.models, compiled)?,
        functions,
        weights,
        kernels,
        checksum: None, // `to_json` writes it
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

/// The role of a region's model: that of its placement, or of the only model of a module that was not cut.
fn role_of(compiled: &Compiled, models: &[Model]) -> Option<Role> {
    compiled.region.role.or(match models {
        [only] => Some(only.role),
        _ => None,
    })
}

/// The models that were compiled.
fn models(models: &[Model], compiled: &[Compiled]) -> Result<Vec<ModelInfo>, CompileError> {
    let is_here = |m: &&Model| compiled.iter().any(|c| role_of(c, models) == Some(m.role));
    let info = |m: &Model| {
        let shape = m.shape.as_ref().map(serde_json::to_value).transpose();
        let shape = shape.map_err(|e| CompileError::Internal(format!("costs of a model: {e}")))?;
        Ok(ModelInfo {
            role: role(Some(m.role)),
            name: m.name.clone(),
            layers: m.layers,
            vocabulary: m.vocabulary,
            context: m.context,
            parameters: m.parameters,
            shape: shape.unwrap_or_default(),
            dtype: m.dtype.clone(),
        })
    };
    models.iter().filter(is_here).map(info).collect()
}

/// The plan: what the cost model decided, if it did, and where each model is.
fn plan(decision: &Decision, compiled: &[Compiled]) -> Option<manifest::Plan> {
    let models = &decision.models;
    let mut placements: Vec<Placement> = vec![];
    for c in compiled {
        let Some(of) = role_of(c, models) else {
            continue;
        };
        let role = role(Some(of));
        if placements.iter().any(|p| p.role == role) {
            continue;
        }
        let model = models.iter().find(|m| m.role == of);
        placements.push(Placement {
            role,
            device: c.region.unit.clone(),
            cores: c.region.cores,
            dtype: model.map(|m| m.dtype.clone()),
        });
    }
    let Some(plan) = &decision.plan else {
        // one model, of which the cost model could say nothing
        return (!models.is_empty()).then(|| manifest::Plan {
            gamma: 0,
            strategy: spec_dialect::attrs::Strategy::None.to_string(),
            speed_up: 1.0,
            tokens_per_second: None,
            acceptance: None,
            baseline: None,
            baseline_tokens_per_second: None,
            accept: None,
            placements,
        });
    };
    let pair = plan.draft_length > 0 || models.iter().any(|m| m.role == Role::Drafter);
    Some(manifest::Plan {
        gamma: u32::try_from(plan.draft_length).ok()?,
        strategy: plan.strategy.to_string(),
        speed_up: plan.speedup,
        tokens_per_second: Some(plan.tokens_per_second),
        acceptance: pair.then_some(plan.acceptance),
        baseline_tokens_per_second: Some(plan.tokens_per_second / plan.speedup),
        baseline: Some(plan.baseline.clone()),
        accept: Some(match plan.accept {
            Accept::Greedy => AcceptRule::Greedy,
            Accept::Rejection => AcceptRule::Rejection,
        }),
        placements,
    })
}
