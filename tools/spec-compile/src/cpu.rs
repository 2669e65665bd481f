//! A region on a CPU: buffers, the LLVM dialect, machine code.

use crate::args::Emit;
use crate::compile::{Code, Compiled, Entries, Job, prepared};
use crate::console::Console;
use crate::error::CompileError;
use crate::function::describe;
use crate::input;
use crate::kernels;
use crate::output::inspect;
use crate::regions::Region;
use crate::target::{Core, HOST, of_host, of_unit};
use spec_codegen::emit::{Emitted, Keep, emit};
use spec_codegen::pipeline;
use spec_dialect::ffi::{Attr, Op};

/// A region as machine code.
pub struct CpuCode {
    /// The core that it is for.
    pub core: Core,
    /// Its object, and texts that were asked for.
    pub emitted: Emitted,
    /// Bytes of machine code.
    pub code_bytes: u64,
}

/// Compiles a region.
///
/// # Errors
/// The unit lacks a description, a pass refuses the model, or LLVM fails.
pub fn compile(
    job: Job<'_>,
    console: &mut Console,
    region: Region,
    entries: Entries,
) -> Result<Compiled, CompileError> {
    let Job { cli, session, .. } = job;
    let core = core(job, console, &region)?;
    let Entries {
        interfaces,
        symbols,
    } = entries;
    let module = region.module;
    let what = format!("{}: cannot be compiled", region.name);
    console.step("prepare", |c| {
        input::run(
            session,
            c,
            module,
            &pipeline::prepare(&job.quantize.options(region.role)),
            &what,
        )
    })?;
    let mut counted = kernels::count(module);
    let mut functions = vec![];
    for (symbol, interface) in symbols.iter().zip(&interfaces) {
        let mut function = describe(interface, &prepared(module, symbol)?)?;
        function.symbol = Some(symbol.clone());
        functions.push(function);
    }
    let counts = symbols
        .iter()
        .map(|s| counted.remove(s).unwrap_or_default())
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
    if let Some(symbol) = symbols.iter().find(|s| !defined.contains(s)) {
        return Err(CompileError::Internal(format!(
            "the object lacks the function '{symbol}'"
        )));
    }
    Ok(Compiled {
        region,
        functions,
        interfaces,
        symbols,
        counts,
        mlir,
        code: Code::Cpu(CpuCode {
            core,
            emitted,
            code_bytes,
        }),
    })
}

fn core(job: Job<'_>, console: &mut Console, region: &Region) -> Result<Core, CompileError> {
    if job.cli.soc == HOST {
        return of_host(console);
    }
    of_unit(job.soc, region.unit(job.soc)?)
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
