//! `spec-run`: generates text with a compiled bundle, measures it, and compares it with plain decoding.
//!
//! Exit codes: 0 generated, 1 bad input, 2 wrong usage, 3 the tokens of a comparison differ, 130 ended by Ctrl-C.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod args;
mod assemble;
mod compare;
mod error;
mod generation;
mod interrupt;
mod meter;
mod output;
mod plan;
mod prompt;
mod replan;
mod report;
mod session;
mod table;
mod times;
#[cfg(test)]
mod toy;
mod trace;

use args::Cli;
use clap::Parser;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match session::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // nothing to do if nobody reads it
            let _ = writeln!(std::io::stderr(), "error: {}", error.chain());
            ExitCode::from(error.exit_code())
        }
    }
}
