//! `spec-bench`: measures speculative decoding of compiled bundles and compares it with what the cost model predicts.
//!
//! Exit codes: 0 written, 1 failed (also where greedy speculation gave other tokens than plain decoding), 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod acceptance;
mod args;
mod bench;
mod calibrate;
mod error;
mod open;
mod page;
mod prompts;
mod report;
mod results;
#[cfg(test)]
mod toy;

use args::Cli;
use bench::{Bundle, Kind, Mode};
use clap::Parser as _;
use error::BenchError;
use open::Ready;
use prompts::Split;
use results::Sources;
use spec_cost::Soc;
use spec_profile::conditions::Conditions;
use spec_profile::predict::{Assumed, Predictor};
use spec_runtime::sampling::Sampling;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = if cli.calibrate {
        calibrate(&cli)
    } else {
        measure(&cli)
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
    let bundles: Vec<Bundle> = ready.iter().map(Ready::bundle).collect();
    let mut progress = report::Progress::new(cli.quiet);
    let table = calibrate::table(
        &bundles,
        &names,
        &prompts,
        &cli.draft_lengths.0,
        &mode(cli),
        &cli.mode(),
        |run| progress.tick(run),
    )?;
    progress.end();
    let text = acceptance::to_csv(&table)?;
    write(&cli.output, "acceptance.csv", &text)?;
    if !cli.quiet {
        eprint!("{}", report::acceptance(&table));
        eprintln!("{}", cli.output.join("acceptance.csv").display());
    }
    Ok(())
}

fn measure(cli: &Cli) -> Result<(), BenchError> {
    let conditions = start(cli)?;
    let ready = open::open(&cli.bundles, cli.gpu.as_deref())?;
    let prompts = prompts::load(&cli.prompts, Split::Judge, cli.limit)?;
    let encoded = open::encode(&ready, &prompts)?;
    let bundles: Vec<Bundle> = ready.iter().map(Ready::bundle).collect();
    let mut schedules: Vec<Kind> = cli.schedules.iter().map(|s| Kind::from(*s)).collect();
    schedules.dedup();
    let configurations = bench::configurations(&bundles, &cli.draft_lengths.0, &schedules);
    let mut progress = report::Progress::new(cli.quiet);
    progress.all(configurations.len() * encoded.len() * cli.repeats.max(1));
    let runs = bench::run(&bundles, &configurations, &encoded, &mode(cli), |run| {
        progress.tick(run)
    })?;
    progress.end();
    let predictor = predictor(cli, &ready, &runs.runs)?;
    let (predictions, notes) = open::predict(&predictor, &ready, &configurations);
    let sources = Sources {
        tool: format!("spec-bench {}", env!("CARGO_PKG_VERSION")),
        soc: predictor.as_ref().ok().map(|p| p.soc.name().to_owned()),
        profile: predictor
            .as_ref()
            .ok()
            .and_then(|p| p.profile.as_ref())
            .map(spec_cost::Profile::source),
        acceptance: cli.acceptance.as_ref().map(|p| p.display().to_string()),
        prompts: format!(
            "{} prompts of {}, split judge",
            encoded.len(),
            cli.prompts.join(", ")
        ),
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
        &predictions,
        runs,
    );
    let json = serde_json::to_string_pretty(&results)?;
    write(&cli.output, "results.json", &json)?;
    write(&cli.output, "results.csv", &results.to_csv()?)?;
    write(&cli.output, "page.html", &page::html(&results))?;
    if cli.json {
        println!("{json}");
    }
    if !cli.quiet {
        eprint!("{}", report::table(&results));
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

/// The predictor, or in words why there is none: a bundle without a device file can be measured all the same.
fn predictor(
    cli: &Cli,
    ready: &[Ready],
    runs: &[bench::Run],
) -> Result<Result<Predictor, String>, BenchError> {
    let profile = cli
        .profile
        .as_ref()
        .map(|p| spec_cost::Profile::load(&p.display().to_string()));
    let acceptance = cli.acceptance.as_ref().map(|path| {
        let text = std::fs::read_to_string(path).map_err(BenchError::reading(path))?;
        Ok::<_, BenchError>(Assumed::File {
            path: path.display().to_string(),
            text,
            mode: cli.mode(),
            task: None,
        })
    });
    let (profile, assumed) = (profile.transpose()?, acceptance.transpose()?);
    let soc = match (&cli.soc, ready.first()) {
        (Some(name), _) => Soc::load(name)?,
        (None, Some(first)) => match Soc::load(first.soc()) {
            Ok(soc) => soc,
            Err(e) => return Ok(Err(format!("nothing is predicted: {e}; give --soc"))),
        },
        (None, None) => return Ok(Err("nothing is predicted: there is no bundle".to_owned())),
    };
    let shortest = runs.iter().map(|r| r.prompt_tokens).min().unwrap_or(0);
    let longest = runs
        .iter()
        .map(|r| r.prompt_tokens + r.tokens)
        .max()
        .unwrap_or(0);
    Ok(Ok(Predictor {
        soc,
        profile,
        assumed: assumed.unwrap_or_default(),
        sampling: if cli.temperature == 0.0 {
            spec_cost::Sampling::Greedy
        } else {
            spec_cost::Sampling::Rejection
        },
        context: (shortest as u64, longest as u64),
    }))
}
