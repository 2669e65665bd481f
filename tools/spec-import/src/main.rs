//! `spec-import`: writes a model folder from checkpoints: the models' functions as MLIR, where their weights are, their tokenizer.
//!
//! Exit codes: 0 written, 1 bad input, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod args;
mod checkpoint;
mod description;
mod emit;
mod error;
mod folder;
mod gguf;
mod hf;
mod import;
mod pair;
mod report;
mod source;
mod tokenizer;
mod weights;

use args::Cli;
use clap::Parser;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut warn = |text: &str| eprintln!("warning: {text}");
    match import::import(&cli, &mut warn) {
        Ok(text) => {
            // A closed pipe (`| head`) is no error of ours.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
