//! `spec-bench`: measures speculative decoding of compiled bundles and compares it with what the cost model predicts.
//!
//! Exit codes: 0 written, 1 failed (also where greedy speculation gave other tokens than plain decoding), 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod acceptance;
mod args;
mod bench;
mod calibrate;
mod error;
mod exact;
mod forecast;
mod generators;
mod noise;
mod open;
mod page;
mod prompts;
mod report;
mod results;
#[cfg(test)]
mod toy;

use args::Cli;
use bench::{Bundle, Kind, Mode};
use calibrate::Calibration;
use clap::Parser as _;
use error::BenchError;
use forecast::Basis;
use open::Ready;
use prompts::Split;
use results::{Results, Sources};
use spec_profile::conditions::Conditions;
use spec_runtime::sampling::Sampling;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.render {
        Some(path) => render(&cli, path),
        None if cli.calibrate => calibrate(&cli),
        None => measure(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", report::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn mode(cli: &Cli) -> Mode {
    let sampling = if cli.temperature == 0.0 {
        Sampling::Greedy
    } else {
        Sampling::Random {
            temperature: cli.temperature,
            top_k: 0,
            top_p: 1.0,
        }
    };
    Mode {
        max_tokens: cli.max_tokens,
        sampling,
        seed: cli.seed,
        repeats: cli.repeats,
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), BenchError> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(BenchError::writing(&path))
}

fn start(cli: &Cli) -> Result<Conditions, BenchError> {
    std::fs::create_dir_all(&cli.output).map_err(BenchError::writing(&cli.output))?;
    let conditions = Conditions::now();
    if let Some(load) = conditions.busy().filter(|_| !cli.quiet) {
        eprintln!("warning: the load average is {load:.2}: other programs disturb the measurement");
    }
    Ok(conditions)
}

fn calibrate(cli: &Cli) -> Result<(), BenchError> {
    start(cli)?;
    let ready = open::open(&cli.bundles, cli.gpu.as_deref())?;
    let prompts = prompts::load(&cli.prompts, Split::Calibrate, cli.limit)?;
    let prompts = open::encode(&ready, &prompts)?;
    let names = ready
        .iter()
        .map(Ready::pair_names)
        .collect::<Result<Vec<_>, _>>()?;
    let bundles: Vec<Bundle> = ready.iter().map(|r| r.bundle(None)).collect();
    let mut progress = report::Progress::new(cli.quiet);
    let mode = mode(cli);
    let samples = calibrate::samples(&bundles, &prompts, &cli.draft_lengths, &mode, |prompt| {
        progress.tick(prompt)
    })?;
    progress.end();
    let table = calibrate::table(&samples, &names, &cli.mode());
    let calibration = Calibration {
        tool: tool(),
        prompts: of_prompts(cli, prompts.len(), "calibrate"),
        max_tokens: cli.max_tokens,
        lines: calibrate::lines(&samples, &table, &names, &cli.mode()),
    };
    write(&cli.output, "acceptance.csv", &acceptance::to_csv(&table)?)?;
    let json = serde_json::to_string_pretty(&calibration)?;
    write(&cli.output, "calibration.json", &json)?;
    if !cli.quiet {
        eprint!("{}", report::acceptance(&calibration.lines));
        eprintln!("{}", cli.output.join("acceptance.csv").display());
    }
    Ok(())
}

fn tool() -> String {
    format!("spec-bench {}", env!("CARGO_PKG_VERSION"))
}

fn of_prompts(cli: &Cli, count: usize, split: &str) -> String {
    format!(
        "{count} prompts of {}, split {split}",
        cli.prompts.join(", ")
    )
}

fn measure(cli: &Cli) -> Result<(), BenchError> {
    let conditions = start(cli)?;
    let ready = open::open(&cli.bundles, cli.gpu.as_deref())?;
    let prompts = prompts::load(&cli.prompts, Split::Judge, cli.limit)?;
    let encoded = open::encode(&ready, &prompts)?;
    let (basis, mut notes) = forecast::basis(cli, &ready)?;
    let prior = |number: usize, r: &Ready| {
        let basis = basis.as_ref()?;
        basis.prior(r, number, &encoded, cli.max_tokens)
    };
    let bundles: Vec<Bundle> = ready
        .iter()
        .enumerate()
        .map(|(i, r)| r.bundle(prior(i, r)))
        .collect();
    let mut schedules: Vec<Kind> = cli.schedules.iter().map(|s| Kind::from(*s)).collect();
    schedules.dedup();
    let configurations = bench::configurations(&bundles, &cli.draft_lengths, &schedules);
    let mut progress = report::Progress::new(cli.quiet);
    progress.all(configurations.len() * encoded.len() * cli.repeats.max(1));
    let runs = bench::run(&bundles, &configurations, &encoded, &mode(cli), |run| {
        progress.tick(&run.prompt)
    })?;
    progress.end();
    let forecasts = match &basis {
        Some(basis) => basis.forecasts(&ready, &configurations, &runs.runs, &mut notes),
        None => vec![],
    };
    let sources = Sources {
        tool: tool(),
        soc: basis.as_ref().map(Basis::soc),
        profile: basis.as_ref().and_then(Basis::profile),
        acceptance: cli.acceptance.as_ref().map(|p| p.display().to_string()),
        prompts: of_prompts(cli, encoded.len(), "judge"),
        sampling: cli.mode(),
        max_tokens: cli.max_tokens,
        repeats: cli.repeats.max(1),
        notes,
    };
    let infos = ready.iter().map(|r| r.info.clone()).collect();
    let results = results::results(
        sources,
        conditions,
        infos,
        &configurations,
        &forecasts,
        runs,
    );
    finish(cli, &results)
}

/// Makes everything anew from stored results.
fn render(cli: &Cli, path: &Path) -> Result<(), BenchError> {
    std::fs::create_dir_all(&cli.output).map_err(BenchError::writing(&cli.output))?;
    let text = std::fs::read_to_string(path).map_err(BenchError::reading(path))?;
    let results = results::stored::read(&text).map_err(|e| BenchError::damaged(path, &e))?;
    finish(cli, &results)
}

/// Writes and prints.
fn finish(cli: &Cli, results: &Results) -> Result<(), BenchError> {
    let json = serde_json::to_string_pretty(results)?;
    write(&cli.output, "results.json", &json)?;
    write(&cli.output, "results.csv", &results.to_csv()?)?;
    write(&cli.output, "page.html", &page::html(results))?;
    if cli.json {
        println!("{json}");
    }
    if !cli.quiet {
        eprint!("{}", report::table(results));
        eprintln!("{}", cli.output.join("page.html").display());
    }
    match results.runs.iter().find(|r| r.same_as_plain == Some(false)) {
        None => Ok(()),
        Some(first) => Err(BenchError::Differs {
            count: results.verdict.differing,
            first: first.prompt.clone(),
        }),
    }
}
