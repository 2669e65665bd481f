//! `spec-opt`: everything `mlir-opt` can do, plus the spec dialect and passes, plus a few flags of its own.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool may

mod flags;

use flags::{Flags, NO_REPORT, Report};
use std::ffi::CString;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let flags = match Flags::parse(std::env::args_os()) {
        Ok(flags) => flags,
        Err(message) => {
            eprintln!("spec-opt: error: {message}");
            return ExitCode::from(2);
        }
    };
    let greeting = match (flags.help, flags.version) {
        (true, _) => flags::HELP,
        (_, true) => concat!("spec-opt ", env!("CARGO_PKG_VERSION"), "\n"),
        _ => "",
    };
    if let Err(message) = print(greeting) {
        eprintln!("spec-opt: error: {message}");
        return ExitCode::FAILURE;
    }
    spec_dialect::ffi::register_upstream_passes();
    spec_passes::register();
    spec_codegen::register();
    spec_passes::session::start(flags.report.is_some(), flags.graph.clone());
    let args: Vec<CString> = flags.mlir_args.clone();
    let code = spec_dialect::ffi::mlir_opt_main(
        &args,
        "spec-opt: MLIR passes for speculative decoding on heterogeneous SoCs\n",
    );
    let reported = print_reports(&flags, code == 0);
    if let Err(message) = reported {
        eprintln!("spec-opt: error: {message}");
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// After a failure, `--explain` still shows how far it came; the other reports are complete or absent.
fn print_reports(flags: &Flags, complete: bool) -> Result<(), String> {
    let Some(kind) = flags.report else {
        return Ok(());
    };
    let reports = spec_passes::session::take();
    if complete && reports.is_empty() {
        return Err(NO_REPORT.into());
    }
    let text = || reports.iter().map(|r| r.text()).collect::<String>();
    match kind {
        Report::Explain => {
            eprint!("{}", text());
            Ok(())
        }
        _ if !complete => Ok(()),
        Report::Text => print(&text()),
        Report::Json => {
            let json = match &reports[..] {
                [one] => serde_json::to_string_pretty(one),
                many => serde_json::to_string_pretty(many),
            };
            print(&(json.map_err(|e| e.to_string())? + "\n"))
        }
    }
}

/// Writes to stdout; a reader that has seen enough is no error.
fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {e}")),
        _ => Ok(()),
    }
}
