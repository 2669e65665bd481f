//! `spec-weights`: writes the weights of a compiled bundle, converted and quantised as its manifest says.
//!
//! Exit codes: 0 written, 1 bad input, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod args;
mod error;
mod model;
mod names;
mod plan;
mod report;
mod source;
mod write;

use args::Cli;
use clap::Parser;
use error::WeightsError;
use model::ModelFolder;
use names::Names;
use source::{Sources, role_and_path};
use spec_runtime::manifest::Manifest;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
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

/// The report.
fn run(cli: &Cli) -> Result<String, WeightsError> {
    let path = &cli.manifest;
    let text = std::fs::read_to_string(path).map_err(WeightsError::reading(path))?;
    let manifest = Manifest::from_json(&text).map_err(|source| WeightsError::Manifest {
        path: path.clone(),
        source,
    })?;
    let names = Names::read(&cli.names, &manifest.functions)?;
    let jobs = plan::plan(&manifest, &names)?;
    let model = cli.model.as_deref().map(ModelFolder::read).transpose()?;
    let files = cli.from.iter().map(|f| role_and_path(f));
    let files: Vec<_> = files
        .chain(model.iter().flat_map(ModelFolder::files))
        .collect();
    let folders: Vec<_> = cli.from_raw.iter().map(|f| role_and_path(f)).collect();
    let sources = Sources::open(&files, &folders)?;
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cli.threads.map_or_else(cores, usize::from);
    let output = cli.output.clone();
    let output = output.unwrap_or_else(|| path.with_file_name("weights.bin"));
    check_output(&output, path)?;
    let mut written = write::write(&jobs, &sources, threads, &output)?;
    if let Some(model) = &model {
        let bundle = path.parent().unwrap_or(Path::new(""));
        written.text = model.write_text(bundle)?;
    }
    Ok(match (cli.quiet, cli.json) {
        (true, _) => String::new(),
        (_, true) => report::json(&written),
        _ => report::table(&written),
    })
}

/// The index is written beside the output, with the extension json: it must not hit another file.
fn check_output(output: &Path, manifest: &Path) -> Result<(), WeightsError> {
    let index = output.with_extension("json");
    let same = |a: &Path, b: &Path| match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    };
    let problem = if output.file_name().is_none() || output.is_dir() {
        "is no file name"
    } else if same(output, manifest) || same(&index, manifest) {
        "would replace the manifest"
    } else if index == output {
        "is where the index goes"
    } else {
        return Ok(());
    };
    Err(WeightsError::Output {
        path: output.to_owned(),
        problem,
    })
}
