//! `spec-opt`: everything `mlir-opt` can do, plus the spec dialect and passes, plus a few flags of its own.

mod flags;

use flags::{Flags, Report};
use std::ffi::CString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let flags = match Flags::parse(std::env::args_os()) {
        Ok(flags) => flags,
        Err(message) => {
            eprintln!("spec-opt: error: {message}");
            return ExitCode::from(2);
        }
    };
    if flags.help {
        print!("{}", flags::HELP);
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
    if code == 0
        && let Err(message) = print_reports(&flags)
    {
        eprintln!("spec-opt: error: {message}");
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn print_reports(flags: &Flags) -> Result<(), String> {
    let Some(kind) = flags.report else {
        return Ok(());
    };
    let reports = spec_passes::session::take();
    if reports.is_empty() {
        return Err(
            "there is no report: no spec-identify, spec-place or spec-partition ran".into(),
        );
    }
    match kind {
        Report::Explain => reports.iter().for_each(|r| eprint!("{}", r.text())),
        Report::Text => reports.iter().for_each(|r| print!("{}", r.text())),
        Report::Json => {
            let text = match &reports[..] {
                [one] => serde_json::to_string_pretty(one),
                many => serde_json::to_string_pretty(many),
            };
            println!("{}", text.map_err(|e| e.to_string())?);
        }
    }
    Ok(())
}
