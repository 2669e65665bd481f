//! `spec-compile`: from a model to object code, libraries, a C header and a manifest.
//!
//! docs/spec-compile.md is its manual.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool may

mod args;
mod bundle;
mod compile;
mod console;
mod cpu;
mod diagnostics;
mod error;
mod function;
mod gpu;
mod gpu_target;
mod header;
mod input;
mod interface;
mod kernels;
mod link;
mod names;
mod output;
mod plan;
mod quantize;
mod regions;
mod summary;
mod target;
mod weights;

use args::Cli;
use clap::Parser;
use console::Console;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut console = Console::new(cli.quiet, cli.remarks);
    let result = compile::compile(&cli, &mut console);
    console.finish();
    let summary = match result {
        Ok(summary) => summary,
        Err(error) => {
            console.error(&error.to_string());
            return ExitCode::from(error.exit_code());
        }
    };
    let text = match (cli.json, cli.quiet) {
        (true, _) => serde_json::to_string_pretty(&summary).map(|t| t + "\n"),
        (_, true) => Ok(String::new()),
        _ => Ok(summary.text()),
    };
    match text
        .map_err(std::io::Error::from)
        .and_then(|t| std::io::stdout().write_all(t.as_bytes()))
    {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            console.error(&format!("cannot write the summary: {e}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
