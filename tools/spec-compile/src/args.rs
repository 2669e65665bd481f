//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  spec-compile model.mlir -o out                      one model, for this machine
  spec-compile model.mlir --soc imx95 -o out          for the CPU of a built-in device
  spec-compile model.mlir --soc imx95 --target-device gpu -o out
  spec-compile pair.mlir --soc rk3588 --plan-options 'alpha=0.8' --drafter-device cpu-a55 -o out
  spec-compile --drafter d.mlir --target t.mlir --soc board.toml --plan-options 'acceptance=curve.csv' -o out

A drafter and a target are placed first, with all their entry points; a module whose models are inlined, or called by one of its
functions, is partitioned (spec-partition); one that holds a plan stays as it is. The folder gets model.o, libmodel.a, model.so and
model.h for CPUs, kernels.spv for a GPU, and manifest.json.

Exit codes: 0 compiled; 1 bad input, or something is missing; 2 wrong usage; 3 an error of this program.";

/// What `--emit` writes besides the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// MLIR: model ops on buffers, or launches of a GPU's kernels
    Mlir,
    /// Optimised LLVM IR
    Llvm,
    /// Assembly
    Asm,
    /// One object file a device region
    Obj,
    /// Kernels of a GPU as assembly of SPIR-V
    SpirvAsm,
}

/// Compiles a model to object code, libraries and a C header, or to kernels of a GPU, and a manifest.
#[derive(Debug, Parser)]
#[command(name = "spec-compile", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Module to compile, MLIR text or bytecode
    #[arg(required_unless_present = "target", conflicts_with_all = ["drafter", "target"])]
    pub model: Option<PathBuf>,

    /// File with the drafter, linked with --target in place of a module
    #[arg(long, requires = "target", value_name = "FILE")]
    pub drafter: Option<PathBuf>,

    /// File with the target, in place of a module
    #[arg(long, value_name = "FILE")]
    pub target: Option<PathBuf>,

    /// Folder to write; created, or filled if it is there
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,

    /// Device: a built-in name (`spec-cost devices`), a device file (*.toml), or 'host', this machine
    #[arg(long, default_value = "host", value_name = "NAME|FILE.toml")]
    pub soc: String,

    /// Where the drafter runs; default: the cost model decides. With --soc host, vulkan or vulkan:NAME is a GPU of this machine
    #[arg(long, value_name = "UNIT[:CORES[:DTYPE]]")]
    pub drafter_device: Option<String>,

    /// Where the target, or the only model, runs; default: the cost model decides, or the fastest CPU unit. vulkan as above
    #[arg(long, value_name = "UNIT[:CORES[:DTYPE]]")]
    pub target_device: Option<String>,

    /// Compile the drafter even if the plan does not draft: where --drafter-device says, or where the target runs
    #[arg(long)]
    pub keep_drafter: bool,

    /// Options of spec-place: alpha=0.8 acceptance=FILE profile=FILE context=N draft-length=N max-draft-length=N ...
    #[arg(
        long,
        value_name = "KEY=VALUE ...",
        default_value = "",
        hide_default_value = true
    )]
    pub plan_options: String,

    /// Quantise weights, as spec-quantize does: drafter=i4g32 target=i8; default: as import.json beside the module says
    #[arg(
        long,
        value_name = "ROLE=FORMAT ...",
        default_value = "",
        hide_default_value = true
    )]
    pub quantize: String,

    /// Do not look for models: compile all public functions as they are
    #[arg(long)]
    pub as_is: bool,

    /// Names of a function's arguments, the first word of each line; repeatable. Without FUNCTION: of all with as many arguments
    #[arg(long, value_name = "[FUNCTION=]FILE")]
    pub argument_names: Vec<String>,

    /// Write this as well; repeatable
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    pub emit: Vec<Emit>,

    /// Names of buffers and places in the kernels' text, for debuggers of SPIR-V
    #[arg(long)]
    pub debug_names: bool,

    /// Do not link a shared library
    #[arg(long)]
    pub no_link: bool,

    /// The summary as JSON
    #[arg(long)]
    pub json: bool,

    /// No progress, no summary, no warnings
    #[arg(short, long)]
    pub quiet: bool,

    /// Show remarks of passes: what was not recognised
    #[arg(long)]
    pub remarks: bool,
}

impl Cli {
    /// Whether `--emit` names `kind`.
    pub fn emits(&self, kind: Emit) -> bool {
        self.emit.contains(&kind)
    }
}
