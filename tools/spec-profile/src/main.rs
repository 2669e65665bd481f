//! `spec-profile`: measures compiled models on this machine and writes a profile for the cost model; or measures the machine.
//!
//! Exit codes: 0 written, 1 failed, 2 wrong usage.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool prints

mod args;
mod report;

use args::Cli;
use clap::Parser as _;
use spec_profile::bundle::{BundleError, Opened};
use spec_profile::conditions::Conditions;
use spec_profile::device::{DeviceError, DeviceOptions, gather, to_toml};
use spec_profile::measure::{HandoffMode, MeasureError, Subject, cells, measure, rows};
use spec_profile::statistics::Budget;
use spec_runtime::model::{LoadOptions, VulkanOptions};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("cannot write {}: {source}", path.display())]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("--seconds {0} is not a time above 0 and up to 86400")]
    Seconds(f64),
    #[error("cannot print as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error(
        "what was measured is not a file that the cost model reads; this is a fault of spec-profile: {0}"
    )]
    Unreadable(#[from] spec_cost::CostError),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.device_file {
        Some(name) => device_file(&cli, name),
        None => profile(&cli),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", report::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}

fn seconds(cli: &Cli, default: f64) -> Result<f64, Error> {
    let seconds = cli.seconds.unwrap_or(default);
    if seconds > 0.0 && seconds <= 86400.0 {
        Ok(seconds)
    } else {
        Err(Error::Seconds(seconds))
    }
}

fn device_file(cli: &Cli, name: &str) -> Result<(), Error> {
    let gpu = (!cli.no_gpu).then(|| spec_runtime::vulkan::Options {
        device: cli.gpu.clone(),
        ..Default::default()
    });
    let options = DeviceOptions {
        name: name.to_owned(),
        seconds: seconds(cli, 0.5)?,
        buffer: None,
        gpu,
    };
    let mut say = |text: &str| {
        if !cli.quiet {
            eprintln!("{text}");
        }
    };
    let text = to_toml(&gather(&options, &mut say)?);
    let path = cli.output.clone();
    let path = path.unwrap_or_else(|| format!("{name}.toml").into());
    let soc = spec_cost::Soc::parse(&text, &path.display().to_string())?;
    write(&path, &text)?;
    if cli.json {
        println!("{}", serde_json::to_string_pretty(soc.numbers())?);
    }
    if !cli.quiet {
        eprintln!(
            "{}: {} numbers, {} of them guesses; see spec-cost devices {}",
            path.display(),
            soc.numbers().len(),
            soc.guesses().len(),
            path.display()
        );
    }
    Ok(())
}

fn profile(cli: &Cli) -> Result<(), Error> {
    let seconds = seconds(cli, 60.0)?;
    let conditions = Conditions::now();
    if let Some(load) = conditions.busy().filter(|_| !cli.quiet) {
        eprintln!("warning: the load average is {load:.2}: other programs disturb the measurement");
    }
    let mut subjects = open(cli)?;
    let cells = cells(&subjects, &cli.contexts)?;
    let budget = Budget {
        time: Duration::from_secs_f64(seconds),
        warm_up: 2,
        least: cli.least.max(1),
        most: 10_000,
    };
    if !cli.quiet {
        eprintln!("{} calls, in turns, for {seconds} s", cells.len());
    }
    let measured = measure(&mut subjects, &cells, &budget, || ())?;
    let mode = if cli.handoff_rows {
        HandoffMode::Rows
    } else {
        HandoffMode::Included
    };
    let mut file = rows(&subjects, &measured, &cli.host_unit, mode);
    let repeated = measured.iter().map(|m| m.whole.count).min().unwrap_or(0);
    file.source = format!(
        "spec-profile {}: medians of {repeated} repetitions in turns; {conditions}",
        env!("CARGO_PKG_VERSION")
    );
    let path = cli.output.clone();
    let path = path.unwrap_or_else(|| "profile.toml".into());
    let text = file.to_toml();
    spec_cost::Profile::parse(&text, "profile.toml")?;
    write(&path, &text)?;
    if !cli.quiet {
        eprint!("{}", report::table(&subjects, &measured));
        eprintln!(
            "{}: {} rows",
            path.display(),
            file.latency.len() + file.handoff.len()
        );
    }
    if cli.json {
        println!("{}", report::json(&subjects, &measured, &conditions)?);
    }
    Ok(())
}

fn open(cli: &Cli) -> Result<Vec<Subject>, Error> {
    let options = LoadOptions {
        cores: cli.on.as_ref().map_or_else(Vec::new, |l| l.0.clone()),
        vulkan: cli.gpu.as_ref().map(|name| VulkanOptions {
            device: Some(name.clone()),
            ..VulkanOptions::default()
        }),
        ..LoadOptions::default()
    };
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let all = cli.on.as_ref().map_or(all, |l| l.0.len().min(all)) as u32;
    let cores = if cli.cores.is_empty() {
        (1..=all).collect()
    } else {
        cli.cores.clone()
    };
    let mut subjects = vec![];
    for path in &cli.bundles {
        subjects.extend(Opened::new(path, &options)?.subjects(&cores)?);
    }
    Ok(subjects)
}
