//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Writes the weights of a compiled bundle into one file, converted and quantised as its manifest says.
///
/// The index (weights.json beside weights.bin) says where each weight lies. What quantisation loses is printed.
#[derive(Debug, Parser)]
#[command(
    name = "spec-weights",
    version,
    after_help = "Exit codes: 0 written; 1 bad input; 2 wrong usage."
)]
pub struct Cli {
    /// manifest.json of the bundle
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,

    /// Folder of an imported model: its files as --from names them, its tokenizer and text.json into the bundle
    #[arg(long, value_name = "FOLDER")]
    pub model: Option<PathBuf>,

    /// Weights as safetensors; repeatable. With a role, only for functions of that role. Looked into before those of --model
    #[arg(
        long,
        value_name = "[drafter=|target=]FILE",
        required_unless_present_any = ["from_raw", "model"]
    )]
    pub from: Vec<String>,

    /// Weights as files NAME.bin, little-endian, of the type that the model was exported with; repeatable
    #[arg(long, value_name = "[drafter=|target=]FOLDER")]
    pub from_raw: Vec<String>,

    /// Names of tensors: the first word of each line, for each argument of a function or for each weight, in order; repeatable.
    /// Default: the manifest's names. drafter:NAME is NAME in the drafter's files
    #[arg(long, value_name = "[FUNCTION=]FILE")]
    pub names: Vec<String>,

    /// File to write; default: weights.bin beside the manifest
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Threads; default: all cores
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,

    /// The report as JSON
    #[arg(long)]
    pub json: bool,

    /// No report
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
}
