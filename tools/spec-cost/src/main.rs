//! `spec-cost`: plans speculative decoding from shape files alone.
//!
//! Exit codes: 0 a plan was made, 1 bad input, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod args;
mod commands;

use args::{Cli, Command};
use clap::Parser;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Plan(args) => commands::plan(args),
        Command::Curve(args) => commands::curve(args),
        Command::Devices { name } => commands::devices(name.as_deref()),
        Command::Models { name } => commands::models(name.as_deref()),
        Command::Table => Ok(commands::table()),
    };
    match result {
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
