//! From the LLVM dialect to an object file.

use crate::ffi::Session;
use inkwell::OptimizationLevel;
use inkwell::context::Context as LlvmContext;
use inkwell::passes::PassBuilderOptions;
use inkwell::targets::{
    CodeModel, FileType, InitializationConfig, RelocMode, Target, TargetMachine, TargetTriple,
};
use spec_dialect::ffi::Op;
use std::sync::Once;
use std::time::{Duration, Instant};

/// Which machine code is wanted, in LLVM's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// `aarch64-unknown-linux-gnu`.
    pub triple: String,
    /// `cortex-a55`.
    pub cpu: String,
    /// `+dotprod,-sve`; may be empty.
    pub features: String,
}

/// What LLVM made of a module.
#[derive(Clone, Debug)]
pub struct Emitted {
    /// An ELF object file.
    pub object: Vec<u8>,
    /// Assembly, if it was asked for.
    pub assembly: Option<String>,
    /// Optimised LLVM IR, if it was asked for.
    pub ir: Option<String>,
    /// Time in LLVM's optimiser.
    pub optimise: Duration,
    /// Time in LLVM's code generator.
    pub generate: Duration,
}

/// Texts to keep besides the object file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// LLVM IR.
    pub ir: bool,
    /// Assembly.
    pub assembly: bool,
}

/// Why no object file came out.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// LLVM has no such triple, or was built without it.
    #[error("LLVM does not know the target '{0}': {1}")]
    Triple(String, String),
    /// LLVM refuses CPU or features.
    #[error("LLVM makes no code for CPU '{cpu}' with features '{features}'")]
    Cpu {
        /// CPU.
        cpu: String,
        /// Features.
        features: String,
    },
    /// MLIR could not be translated: our bug.
    #[error("internal error: the module could not be translated to LLVM IR")]
    Translation,
    /// LLVM's verifier, optimiser or code generator failed: our bug.
    #[error("internal error in LLVM: {0}")]
    Llvm(String),
}

fn machine(machine: &Machine) -> Result<TargetMachine, EmitError> {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        Target::initialize_aarch64(&InitializationConfig::default());
        Target::initialize_x86(&InitializationConfig::default());
    });
    let triple = TargetTriple::create(&machine.triple);
    let target = Target::from_triple(&triple)
        .map_err(|e| EmitError::Triple(machine.triple.clone(), e.to_string()))?;
    target
        .create_target_machine(
            &triple,
            &machine.cpu,
            &machine.features,
            OptimizationLevel::Aggressive,
            RelocMode::PIC,
            CodeModel::Default,
        )
        .ok_or_else(|| EmitError::Cpu {
            cpu: machine.cpu.clone(),
            features: machine.features.clone(),
        })
}

/// Machine code of a module in the LLVM dialect.
///
/// Loops keep the shape that schedules gave them: LLVM may vectorise what is scalar, but does not unroll (on small cores that spills).
///
/// # Errors
/// [`EmitError`].
pub fn emit(session: &Session, module: Op, to: &Machine, keep: Keep) -> Result<Emitted, EmitError> {
    let llvm = LlvmContext::create();
    let m = session
        .translate(module, &llvm)
        .ok_or(EmitError::Translation)?;
    let tm = machine(to)?;
    m.set_triple(&TargetTriple::create(&to.triple));
    m.set_data_layout(&tm.get_target_data().get_data_layout());
    let failed = |e: inkwell::support::LLVMString| EmitError::Llvm(e.to_string());
    m.verify().map_err(failed)?;
    let options = PassBuilderOptions::create();
    options.set_loop_vectorization(true);
    options.set_loop_slp_vectorization(false);
    options.set_loop_unrolling(false);
    options.set_loop_interleaving(false);
    let start = Instant::now();
    m.run_passes("default<O3>", &tm, options).map_err(failed)?;
    let optimise = start.elapsed();
    let write = |kind| tm.write_to_memory_buffer(&m, kind).map_err(failed);
    let ir = keep.ir.then(|| m.print_to_string().to_string());
    let start = Instant::now();
    let object = write(FileType::Object)?.as_slice().to_vec();
    let generate = start.elapsed();
    let assembly = if keep.assembly {
        let text = write(FileType::Assembly)?;
        Some(String::from_utf8_lossy(text.as_slice()).into_owned())
    } else {
        None
    };
    Ok(Emitted {
        object,
        assembly,
        ir,
        optimise,
        generate,
    })
}

/// Name and features of the machine at hand, as LLVM sees them.
pub fn host() -> Machine {
    Machine {
        triple: TargetMachine::get_default_triple()
            .as_str()
            .to_string_lossy()
            .into_owned(),
        cpu: TargetMachine::get_host_cpu_name().to_string(),
        features: TargetMachine::get_host_cpu_features().to_string(),
    }
}
