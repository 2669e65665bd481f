//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Measures compiled models on this machine, and writes a profile for the cost model. Or, with --device-file, measures the machine.
#[derive(Parser, Debug)]
#[command(version, about)]
pub(crate) struct Cli {
    /// Folders that spec-compile and spec-weights wrote.
    #[arg(
        required_unless_present = "device_file",
        conflicts_with = "device_file"
    )]
    pub(crate) bundles: Vec<PathBuf>,
    /// File to write [default: profile.toml, or NAME.toml for a device file].
    #[arg(short, long)]
    pub(crate) output: Option<PathBuf>,
    /// Write a device file of this name instead, of what can be read and measured here.
    #[arg(long, value_name = "NAME")]
    pub(crate) device_file: Option<String>,
    /// Seconds to measure: in all, or for each figure of a device file [default: 60, or 0.5].
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Numbers of cores of models on a CPU, such as 1,2,4 [default: 1 to all].
    #[arg(long, value_delimiter = ',')]
    pub(crate) cores: Vec<u32>,
    /// Cores to use, in the system's numbering, such as 4-7 or 0,2.
    #[arg(long, value_name = "LIST", value_parser = list)]
    pub(crate) on: Option<List>,
    /// Rows of the cache that are filled before a call, such as 16,500,1000 [default: small, half, nearly full].
    #[arg(long, value_delimiter = ',')]
    pub(crate) contexts: Vec<usize>,
    /// Repetitions of each call at least, whatever the seconds.
    #[arg(long, default_value_t = 5)]
    pub(crate) least: usize,
    /// Write hand-offs of a GPU as rows of their own, not as part of its latencies.
    #[arg(long)]
    pub(crate) handoff_rows: bool,
    /// Unit of the device file that the loop runs on, for hand-off rows.
    #[arg(long, default_value = "cpu")]
    pub(crate) host_unit: String,
    /// Part of the name of the GPU to use.
    #[arg(long)]
    pub(crate) gpu: Option<String>,
    /// Leave GPUs out of a device file.
    #[arg(long, conflicts_with = "gpu")]
    pub(crate) no_gpu: bool,
    /// Print what was measured as JSON on standard output.
    #[arg(long)]
    pub(crate) json: bool,
    /// No table and no progress.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// A list of cores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct List(pub(crate) Vec<usize>);

fn list(text: &str) -> Result<List, String> {
    let wrong = || "write numbers and ranges, such as 0,2 or 4-7".to_owned();
    let mut all = vec![];
    for part in text.split(',') {
        let (a, b) = part.split_once('-').unwrap_or((part, part));
        let (a, b): (usize, usize) = (
            a.trim().parse().map_err(|_| wrong())?,
            b.trim().parse().map_err(|_| wrong())?,
        );
        if a > b || b > 4096 {
            return Err(wrong());
        }
        all.extend(a..=b);
    }
    Ok(List(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert_eq!(list("0,2-3"), Ok(List(vec![0, 2, 3])));
        assert!(list("3-1").is_err() && list("x").is_err());
        assert!(Cli::try_parse_from(["spec-profile"]).is_err());
        assert!(Cli::try_parse_from(["spec-profile", "out", "--device-file", "x"]).is_err());
        let cli = Cli::try_parse_from(["spec-profile", "--device-file", "x"]).expect("fine");
        assert_eq!(cli.device_file.as_deref(), Some("x"));
    }
}
