//! The command line.

use crate::bench::Kind;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Measures speculative decoding of compiled bundles, over draft lengths and schedules, and compares it with the cost model's
/// predictions. With --calibrate, measures acceptance instead.
#[derive(Parser, Debug)]
#[command(version, about)]
pub(crate) struct Cli {
    /// Folders that spec-compile and spec-weights wrote.
    #[arg(required_unless_present = "render")]
    pub(crate) bundles: Vec<PathBuf>,
    /// Folder for what is written.
    #[arg(short, long)]
    pub(crate) output: PathBuf,
    /// Measure acceptance on the calibration prompts, and write acceptance.csv.
    #[arg(long)]
    pub(crate) calibrate: bool,
    /// Measure nothing: make the tables and the page anew from a results.json.
    #[arg(long, value_name = "RESULTS.json", conflicts_with_all = ["bundles", "calibrate", "profile", "acceptance", "soc"])]
    pub(crate) render: Option<PathBuf>,
    /// Latencies that spec-profile measured [default: the device file's].
    #[arg(long, conflicts_with = "calibrate")]
    pub(crate) profile: Option<PathBuf>,
    /// Acceptance that --calibrate measured; without it, speculation is not predicted.
    #[arg(long, conflicts_with = "calibrate")]
    pub(crate) acceptance: Option<PathBuf>,
    /// Device file, by name or path [default: the one the bundle was compiled for].
    #[arg(long, conflicts_with = "calibrate")]
    pub(crate) soc: Option<String>,
    /// Prompt sets: all, translation, summary, chat, code, or files of the same form.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub(crate) prompts: Vec<String>,
    /// Prompts of each set at most.
    #[arg(long, default_value_t = 1000)]
    pub(crate) limit: usize,
    /// Draft lengths, such as 0-8 or 1,2,4; with `auto` also lengths chosen in the run, as spec-run does.
    #[arg(long, default_value = "0-8,auto", value_parser = lengths)]
    pub(crate) draft_lengths: Lengths,
    /// Schedules.
    #[arg(long, value_delimiter = ',', default_value = "sequential")]
    pub(crate) schedules: Vec<ScheduleArg>,
    /// Tokens to generate for each prompt at most.
    #[arg(long, default_value_t = 128)]
    pub(crate) max_tokens: usize,
    /// Times that every prompt runs under every configuration.
    #[arg(long, default_value_t = 1)]
    pub(crate) repeats: usize,
    /// Temperature; 0 is greedy.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) temperature: f32,
    /// Of the random numbers.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Part of the name of the GPU to use.
    #[arg(long)]
    pub(crate) gpu: Option<String>,
    /// Print the results as JSON on standard output too.
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress and no table.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// A schedule on the command line.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScheduleArg {
    Sequential,
    Overlapped,
}

impl From<ScheduleArg> for Kind {
    fn from(arg: ScheduleArg) -> Self {
        match arg {
            ScheduleArg::Sequential => Self::Sequential,
            ScheduleArg::Overlapped => Self::Overlapped,
        }
    }
}

/// Draft lengths.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lengths {
    /// Lengths of every round, ascending.
    pub(crate) fixed: Vec<usize>,
    /// Whether lengths are chosen in the run, too.
    pub(crate) auto: bool,
}

fn lengths(text: &str) -> Result<Lengths, String> {
    let wrong = || format!("write numbers and ranges up to {MAX}, such as 0-8 or 1,2,4, or auto");
    let (mut all, mut auto) = (vec![], false);
    for part in text.split(',') {
        if part.trim() == "auto" {
            auto = true;
            continue;
        }
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        let number = |t: &str| t.trim().parse::<usize>().map_err(|_| wrong());
        let (a, b) = (number(a)?, number(b)?);
        if a > b || b > MAX {
            return Err(wrong());
        }
        all.extend(a..=b);
    }
    all.sort_unstable();
    all.dedup();
    Ok(Lengths { fixed: all, auto })
}

/// The longest draft that the runtime makes.
const MAX: usize = spec_runtime::draft_length::MAX;

impl Cli {
    /// Name of the sampling in files of acceptance.
    pub(crate) fn mode(&self) -> String {
        if self.temperature == 0.0 {
            "greedy".to_owned()
        } else {
            format!("t{}", self.temperature)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let some = |fixed: &[usize], auto| {
            let fixed = fixed.to_vec();
            Ok(Lengths { fixed, auto })
        };
        assert_eq!(lengths("4,0-2,1"), some(&[0, 1, 2, 4], false));
        assert_eq!(lengths("0-1,auto"), some(&[0, 1], true));
        assert!(lengths("3-1").is_err() && lengths("65").is_err() && lengths("a").is_err());
        let cli =
            |more: &[&str]| Cli::try_parse_from([&["spec-bench", "out", "-o", "x"], more].concat());
        assert_eq!(cli(&[]).expect("fine").mode(), "greedy");
        assert_eq!(cli(&["--temperature", "1"]).expect("fine").mode(), "t1");
        assert!(cli(&["--calibrate", "--profile", "p"]).is_err());
        let alone =
            |more: &[&str]| Cli::try_parse_from([&["spec-bench", "-o", "x"], more].concat());
        assert!(alone(&["--render", "r.json"]).is_ok() && alone(&[]).is_err());
        assert!(cli(&["--render", "r.json"]).is_err());
        assert!(cli(&["--schedules", "sequential,overlapped"]).is_ok());
    }
}
