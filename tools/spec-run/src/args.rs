//! The command line.

use clap::{Args, Parser, ValueEnum};
use spec_runtime::generate::{AskedLength, AskedSchedule};
use std::path::PathBuf;
use std::str::FromStr;

/// Generates text with a compiled bundle: a drafter and a target by speculative decoding as its plan says, or one model alone.
///
/// Text goes to the standard output as it comes, a table of what it cost to the standard error.
#[derive(Debug, Parser)]
#[command(
    name = "spec-run",
    version,
    group = clap::ArgGroup::new("plan_anew").args(["profile", "acceptance", "alpha"]).multiple(true),
    after_help = "Exit codes: 0 generated; 1 bad input; 2 wrong usage; 3 --compare: the tokens differ; 130 ended by Ctrl-C."
)]
pub struct Cli {
    /// Folder of the bundle: spec-compile wrote it, spec-weights its weights
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,

    #[command(flatten)]
    pub prompt: PromptArgs,

    /// Put the prompt into the model's chat template
    #[arg(long, conflicts_with = "prompt_tokens")]
    pub chat: bool,

    /// Most tokens to generate
    #[arg(short = 'n', long, value_name = "N", default_value_t = 128)]
    pub max_tokens: usize,

    #[command(flatten)]
    pub sampling: SamplingArgs,

    /// Drafts of a round: `auto` (what is fastest in this run, 0 included), `auto:predicted` (the same, but times are not measured, so that a
    /// seed gives the same tokens again), `plan`, a number (0: no drafting), `adaptive` (more after success, fewer after a miss),
    /// `entropy[:KAPPA:LAMBDA]` (until the drafter is unsure)
    #[arg(
        short,
        long,
        value_name = "auto|plan|N|adaptive|entropy",
        default_value = "auto"
    )]
    pub draft_length: DraftLength,

    /// When drafter and target run
    #[arg(long, value_enum, default_value_t = Schedule::Plan)]
    pub schedule: Schedule,

    #[command(flatten)]
    pub planning: PlanArgs,

    #[command(flatten)]
    pub machine: MachineArgs,

    /// Compare with plain decoding of the target: N pairs of runs in turns (3), same tokens, measured beside predicted speed-up
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "3",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub compare: Option<u16>,

    /// One JSON document on the standard output, in place of text and table
    #[arg(long)]
    pub json: bool,

    /// No table
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,

    /// All ways to decode that a plan made here weighed, in the table
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,

    /// Write when each model was busy, as a trace for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE.json")]
    pub time_line: Option<PathBuf>,
}

/// Where the prompt comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct PromptArgs {
    /// The prompt
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,

    /// File with the prompt, in UTF-8; a line break at its end is not part of the prompt
    #[arg(short = 'f', long, value_name = "FILE")]
    pub prompt_file: Option<PathBuf>,

    /// The prompt as token ids, such as 1,15043; nothing is added to them
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub prompt_tokens: Option<Vec<u32>>,

    /// `-`: the prompt from the standard input, as from a file
    #[arg(value_name = "-", value_parser = ["-"])]
    pub stdin: Option<String>,
}

/// How tokens are chosen.
#[derive(Clone, Copy, Debug, Args)]
pub struct SamplingArgs {
    /// Sample at this temperature; 0: always the likeliest token
    #[arg(
        short,
        long,
        value_name = "T",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    pub temperature: f32,

    /// Sample of the N likeliest tokens; 0: of all
    #[arg(long, value_name = "N", default_value_t = 0, requires = "temperature")]
    pub top_k: usize,

    /// Sample of the fewest likeliest tokens that together have this probability; 1: of all
    #[arg(
        long,
        value_name = "P",
        default_value_t = 1.0,
        requires = "temperature"
    )]
    pub top_p: f32,

    /// Of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// What to plan anew with, in place of the bundle's plan.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Plan anew with latencies that spec-profile measured
    #[arg(long, value_name = "FILE")]
    pub profile: Option<PathBuf>,

    /// Plan anew with the acceptance that spec-bench --calibrate measured
    #[arg(long, value_name = "FILE.csv", conflicts_with = "alpha")]
    pub acceptance: Option<PathBuf>,

    /// The task in that file; default: `all`
    #[arg(long, value_name = "NAME", requires = "acceptance")]
    pub task: Option<String>,

    /// Plan anew with this acceptance rate; default: that of the bundle's plan
    #[arg(long, value_name = "A", value_parser = rate)]
    pub alpha: Option<f64>,

    /// Device file to plan with, by name or path; default: the one the bundle was compiled for
    #[arg(long, value_name = "NAME|FILE", requires = "plan_anew")]
    pub soc: Option<String>,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok();
    let rate = rate.filter(|a| (0.0..=1.0).contains(a));
    rate.ok_or_else(|| "an acceptance rate is a number from 0 to 1".to_owned())
}

/// What it runs on.
#[derive(Debug, Args)]
pub struct MachineArgs {
    /// Threads of each model on a CPU; default: as the plan says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Cores to use, in the system's numbering, the ones to use first at the start: 4-7,0
    #[arg(long, value_name = "LIST")]
    pub cores: Option<Cores>,

    /// Do not bind threads to cores
    #[arg(long)]
    pub no_pin: bool,

    /// Map the file of the weights in place of copying it into huge pages: starts sooner, runs slower
    #[arg(long)]
    pub mmap: bool,

    /// The GPU, by a part of its name
    #[arg(long, value_name = "NAME")]
    pub vulkan_device: Option<String>,

    /// Let Vulkan's validation layer watch; slow
    #[arg(long)]
    pub validate: bool,
}

/// How many drafts a round makes, as asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DraftLength(pub AskedLength);

impl FromStr for DraftLength {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let most = spec_runtime::draft_length::MAX;
        let wrong = || {
            format!(
                "write auto, auto:predicted, plan, a number up to {most}, adaptive, entropy, or entropy:KAPPA:LAMBDA such as entropy:0.2:0.4"
            )
        };
        match text {
            "auto" => return Ok(Self(AskedLength::Auto { measure: true })),
            "auto:predicted" => return Ok(Self(AskedLength::Auto { measure: false })),
            "plan" => return Ok(Self(AskedLength::Plan)),
            "adaptive" => return Ok(Self(AskedLength::Adaptive)),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix("entropy") {
            if rest.is_empty() {
                let (kappa, lambda) = (0.2, 0.4);
                return Ok(Self(AskedLength::Entropy { kappa, lambda }));
            }
            let numbers = rest.strip_prefix(':').and_then(|r| r.split_once(':'));
            let (kappa, lambda) = numbers.ok_or_else(wrong)?;
            let number = |t: &str| t.parse::<f64>().map_err(|_| wrong());
            let (kappa, lambda) = (number(kappa)?, number(lambda)?);
            if !(kappa.is_finite() && kappa > 0.0) {
                return Err(format!("kappa must be above 0, got {kappa}"));
            }
            if !(0.0..=1.0).contains(&lambda) {
                return Err(format!("lambda must be 0 to 1, got {lambda}"));
            }
            return Ok(Self(AskedLength::Entropy { kappa, lambda }));
        }
        match text.parse::<usize>() {
            Ok(n) if n <= most => Ok(Self(AskedLength::Fixed(n))),
            _ => Err(wrong()),
        }
    }
}

/// When the models run, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Schedule {
    /// As the bundle's plan says
    Plan,
    /// One after the other
    Sequential,
    /// The next draft beside the verification
    Overlapped,
}

impl Schedule {
    /// As the runtime says it.
    pub fn asked(self) -> AskedSchedule {
        match self {
            Self::Plan => AskedSchedule::Plan,
            Self::Sequential => AskedSchedule::Sequential,
            Self::Overlapped => AskedSchedule::Overlapped,
        }
    }
}

/// Numbers of cores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores(pub Vec<usize>);

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write numbers and ranges of cores, each core once: 0,2,4-7".to_owned();
        let number = |t: &str| {
            t.trim()
                .parse::<u16>()
                .map(usize::from)
                .map_err(|_| wrong())
        };
        let mut cores = vec![];
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (number(from)?, number(to)?);
            if from > to || (from..=to).any(|c| cores.contains(&c)) {
                return Err(wrong());
            }
            cores.extend(from..=to);
        }
        Ok(Self(cores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn parse(args: &[&str]) -> Result<Cli, String> {
        let all = ["spec-run", "out"].iter().chain(args);
        Cli::try_parse_from(all).map_err(|e| e.to_string())
    }

    fn refused(args: &[&str]) -> String {
        parse(args).expect_err("it is refused")
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn there_is_one_prompt() {
        assert_eq!(
            parse(&["-p", "-x"]).unwrap().prompt.prompt.as_deref(),
            Some("-x")
        );
        assert!(parse(&["-"]).unwrap().prompt.stdin.is_some());
        let tokens = parse(&["--prompt-tokens", "1,2,30"]).unwrap();
        assert_eq!(tokens.prompt.prompt_tokens, Some(vec![1, 2, 30]));
        assert!(refused(&[]).contains("required"));
        assert!(refused(&["-p", "a", "-"]).contains("cannot be used with"));
        assert!(refused(&["--prompt-tokens", "1,x"]).contains("invalid"));
        assert!(refused(&["text"]).contains("invalid value 'text'"));
        assert!(refused(&["--prompt-tokens", "1", "--chat"]).contains("cannot be used with"));
    }

    #[test]
    fn draft_lengths() {
        let of = |t: &str| t.parse::<DraftLength>().map(|d| d.0);
        for (text, measure) in [("auto", true), ("auto:predicted", false)] {
            assert_eq!(of(text), Ok(AskedLength::Auto { measure }));
        }
        assert_eq!(parse(&["-"]).unwrap().draft_length, "auto".parse().unwrap());
        assert_eq!(of("plan"), Ok(AskedLength::Plan));
        assert_eq!(of("0"), Ok(AskedLength::Fixed(0)));
        assert_eq!(of("64"), Ok(AskedLength::Fixed(64)));
        assert_eq!(of("adaptive"), Ok(AskedLength::Adaptive));
        let entropy = |kappa, lambda| Ok(AskedLength::Entropy { kappa, lambda });
        assert_eq!(of("entropy"), entropy(0.2, 0.4));
        assert_eq!(of("entropy:1.5:0"), entropy(1.5, 0.0));
        for wrong in [
            "65",
            "-1",
            "",
            "entropy:",
            "entropy:1",
            "entropy:0:0.5",
            "entropy:1:2",
            "entropy:nan:0.5",
            "entropyx",
            "auto:",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn plans_are_made_with_something() {
        let plan = |args: &[&str]| parse(&[&["-"], args].concat()).unwrap().planning;
        assert_eq!(plan(&["--alpha", "0.75"]).alpha, Some(0.75));
        let all = plan(&[
            "--profile",
            "p",
            "--acceptance",
            "a",
            "--task",
            "chat",
            "--soc",
            "host",
        ]);
        assert_eq!(
            (all.task.as_deref(), all.soc.as_deref()),
            (Some("chat"), Some("host"))
        );
        for (args, why) in [
            (&["--alpha", "1.5"][..], "0 to 1"),
            (
                &["--alpha", "0.5", "--acceptance", "a"],
                "cannot be used with",
            ),
            (&["--task", "chat"], "required"),
            (&["--soc", "host"], "required"),
        ] {
            let error = refused(&[&["-"], args].concat());
            assert!(error.contains(why), "{args:?}: {error}");
        }
    }

    #[test]
    fn core_lists() {
        let of = |t: &str| t.parse::<Cores>().map(|c| c.0);
        assert_eq!(of("4-6,0"), Ok(vec![4, 5, 6, 0]));
        for wrong in ["", "a", "3-1", "1,1", "0-2,1", "1-", "70000"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn comparisons_have_a_number_of_pairs() {
        assert_eq!(parse(&["-"]).unwrap().compare, None);
        assert_eq!(parse(&["--compare", "-"]).unwrap().compare, Some(3));
        assert_eq!(parse(&["--compare=5", "-"]).unwrap().compare, Some(5));
        assert!(refused(&["--compare=0", "-"]).contains("0"));
    }
}
