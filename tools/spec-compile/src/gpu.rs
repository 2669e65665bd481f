//! A region on a GPU: launches of kernels, SPIR-V, a schedule a function.

use crate::args::Emit;
use crate::compile::{Code, Compiled, Entries, Job, find, prepared};
use crate::console::Console;
use crate::error::CompileError;
use crate::function::describe;
use crate::gpu_target::{GpuTarget, of_host, of_unit};
use crate::input;
use crate::kernels::{self, Counts};
use crate::regions::Region;
use crate::target::HOST;
use spec_codegen::gpu::{self, Names};
use spec_codegen::pipeline;
use spec_runtime::manifest::{self, File, Function};
use spec_runtime::schedule::{Access, Buffer, Dispatch, KernelInfo, Schedule, Span};

/// A region as kernels.
pub struct GpuCode {
    /// What it is for.
    pub target: GpuTarget,
    /// Kernels of the module.
    pub kernels: usize,
    /// Files: the module, and constants of functions.
    pub files: Vec<(File, Vec<u8>)>,
    /// The module as assembly, if it was asked for.
    pub assembly: Option<String>,
}

/// Compiles a region; `only` is whether it is the only one on a GPU.
///
/// # Errors
/// The unit lacks a description, a pass refuses the model, or a kernel cannot be made for the unit.
pub fn compile(
    job: Job<'_>,
    console: &mut Console,
    region: Region,
    entries: Entries,
    only: bool,
) -> Result<Compiled, CompileError> {
    let (cli, session, module) = (job.cli, job.session, region.module);
    let target = target(job, &region)?;
    let Entries {
        interfaces,
        symbols,
    } = entries;
    let what = format!("{}: cannot be compiled for {}", region.name, target.name);
    console.step("prepare", |c| {
        let pipeline = pipeline::prepare_gpu(&job.quantize.options(region.role), &target.device);
        input::run(session, c, module, &pipeline, &what)
    })?;
    let mlir = cli.emits(Emit::Mlir).then(|| module.to_text());
    let mut planned = vec![];
    for (symbol, interface) in symbols.iter().zip(&interfaces) {
        let function = describe(interface, &prepared(module, symbol)?)?;
        let schedule = gpu::schedule(find(module, symbol)?);
        let schedule =
            schedule.map_err(|e| CompileError::Internal(format!("@{}: {e}", interface.name)))?;
        planned.push((function, schedule));
    }
    if planned
        .iter()
        .all(|(_, schedule)| schedule.launches.is_empty())
    {
        let text = format!(
            "{}: its functions compute nothing, so a GPU has nothing to do",
            region.name
        );
        return Err(CompileError::Refused(text));
    }
    let names = Names {
        symbols: cli.debug_names,
        lines: cli.debug_names,
    };
    let spirv = console.step("SPIR-V", |_| {
        gpu::lower_and_serialize(session, module, &target.device, names)
    })?;
    let needs = gpu::requirements(&spirv)?;
    let assembly = cli.emits(Emit::SpirvAsm);
    let assembly = assembly.then(|| gpu::disassemble(&spirv)).transpose()?;
    let file = match only {
        true => "kernels.spv".to_owned(),
        false => format!("{}.kernels.spv", region.name),
    };
    let mut files = vec![(File::of(file, &spirv), spirv)];
    let (mut functions, mut counts) = (vec![], vec![]);
    for ((mut function, schedule), symbol) in planned.into_iter().zip(&symbols) {
        let code = manifest::GpuCode {
            unit: region.unit.clone(),
            spirv: files[0].0.clone(),
            constants: constants(&mut files, &schedule.constants, symbol),
            schedule: convert(&schedule),
            capabilities: needs.capabilities.clone(),
            extensions: needs.extensions.clone(),
        };
        counts.push(count(&code.schedule));
        function.workspace_bytes = code.schedule.workspace_bytes;
        function.gpu = Some(code);
        functions.push(function);
    }
    Ok(Compiled {
        code: Code::Gpu(GpuCode {
            target,
            kernels: distinct(&functions),
            files,
            assembly,
        }),
        region,
        functions,
        interfaces,
        symbols,
        counts,
        mlir,
    })
}

fn target(job: Job<'_>, region: &Region) -> Result<GpuTarget, CompileError> {
    if job.cli.soc == HOST {
        return of_host(region.vulkan.as_deref());
    }
    of_unit(job.soc, region.unit(job.soc)?)
}

/// The file of these constants, which may be another function's.
fn constants(files: &mut Vec<(File, Vec<u8>)>, bytes: &[u8], symbol: &str) -> Option<File> {
    if bytes.is_empty() {
        return None;
    }
    let known = files[1..].iter().find(|(_, b)| b == bytes);
    if let Some((file, _)) = known {
        return Some(file.clone());
    }
    let file = File::of(format!("{symbol}.constants.bin"), bytes);
    files.push((file.clone(), bytes.to_vec()));
    Some(file)
}

/// Kernels that functions of one module run.
fn distinct(functions: &[Function]) -> usize {
    let code = functions.iter().filter_map(|f| f.gpu.as_ref());
    let mut all: Vec<&str> = code
        .flat_map(|c| c.schedule.kernels.iter().map(|k| k.entry.as_str()))
        .collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

fn count(schedule: &Schedule) -> Counts {
    let mut counts = Counts::new();
    for dispatch in &schedule.dispatches {
        let entry = &schedule.kernels[dispatch.kernel as usize].entry;
        *counts.entry(kernels::kind_of_kernel(entry)).or_default() += 1;
    }
    counts
}

/// The code generator's schedule as the runtime's.
fn convert(from: &gpu::Schedule) -> Schedule {
    let used = |kernel: usize| from.launches.iter().find(|l| l.kernel == kernel);
    let kernels = from.kernels.iter().enumerate();
    let kernels = kernels.map(|(i, kernel)| KernelInfo {
        entry: kernel.name.clone(),
        bindings: used(i).map_or(0, |l| l.spans.len() as u32),
        push_words: used(i).map_or(0, |l| l.push.len() as u32),
        workgroup: kernel.workgroup,
    });
    let dispatches = from.launches.iter().map(|launch| Dispatch {
        kernel: launch.kernel as u32,
        groups: launch.groups,
        barrier: launch.barrier,
        spans: launch.spans.iter().map(span).collect(),
        push: launch.push.clone(),
    });
    Schedule {
        workspace_bytes: from.workspace_bytes,
        constants_bytes: from.constants.len() as u64,
        kernels: kernels.collect(),
        dispatches: dispatches.collect(),
    }
}

fn span(from: &gpu::Span) -> Span {
    Span {
        buffer: match from.buffer {
            gpu::Buffer::Argument(i) => Buffer::Argument(i as u32),
            gpu::Buffer::Workspace => Buffer::Workspace,
            gpu::Buffer::Constants => Buffer::Constants,
        },
        offset: from.offset,
        bytes: from.bytes,
        access: match (from.reads, from.writes) {
            (_, false) => Access::Read,
            (false, true) => Access::Write,
            (true, true) => Access::ReadWrite,
        },
    }
}
