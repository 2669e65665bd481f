//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Writes a model folder (functions as MLIR, where the weights are, the tokenizer) from checkpoints of Hugging Face or GGUF files.
///
/// Exit codes: 0 written, 1 bad input, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, name = "spec-import")]
pub struct Cli {
    /// The large model, or the only one: a folder of Hugging Face's (config.json, *.safetensors), a .gguf file, or a folder with one
    #[arg(long, value_name = "MODEL")]
    pub target: PathBuf,

    /// The small model, of the same tokens
    #[arg(long, value_name = "MODEL", conflicts_with = "self_draft")]
    pub drafter: Option<PathBuf>,

    /// The target drafts for itself: with weights in a format of spec-quantize (f16, bf16, i8, i8g32, i8g64, i4g32, i4g64), or
    /// with its first N layers (layers:N)
    #[arg(long, value_name = "FORMAT|layers:N")]
    pub self_draft: Option<SelfDraft>,

    /// The model folder to write; files of an earlier one are replaced
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,

    /// Rows of the KV caches [default: what the models were made for, at most 1024]
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,

    /// Tokens a call of the target, a function each, such as 1-9,16; 1 is always there
    #[arg(long, value_name = "LIST", default_value = "1-5,9")]
    pub target_tokens: Widths,

    /// The same for the drafter
    #[arg(long, value_name = "LIST", default_value = "1,2,8")]
    pub drafter_tokens: Widths,

    /// Summary for programs
    #[arg(long, conflicts_with = "quiet")]
    pub json: bool,

    /// No summary, no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// How a model drafts for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfDraft {
    /// With weights of this format.
    Format(String),
    /// With this many of its layers.
    Layers(usize),
}

/// Formats of `spec-quantize`.
const FORMATS: [&str; 7] = ["f16", "bf16", "i8", "i8g32", "i8g64", "i4g32", "i4g64"];

impl std::str::FromStr for SelfDraft {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(number) = text.strip_prefix("layers:") {
            let layers = number.parse().ok().filter(|n| *n > 0);
            let problem = || format!("expected a number of layers from 1, got '{number}'");
            return layers.map(SelfDraft::Layers).ok_or_else(problem);
        }
        if FORMATS.contains(&text) {
            return Ok(SelfDraft::Format(text.into()));
        }
        let formats = FORMATS.join(", ");
        Err(format!("expected one of {formats}, or layers:N"))
    }
}

/// Numbers of tokens, ascending, 1 the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

/// More tokens a call are no use: each is a function of its own.
const WIDEST: usize = 512;

impl std::str::FromStr for Widths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = |part: &str| {
            format!("expected numbers from 1 to {WIDEST} and ranges, such as 1-9,16; got '{part}'")
        };
        let number = |t: &str| t.trim().parse().ok().filter(|n| (1..=WIDEST).contains(n));
        let mut all = vec![1];
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            match (number(from), number(to)) {
                (Some(from), Some(to)) if from <= to => all.extend(from..=to),
                _ => return Err(problem(part)),
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(Widths(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_widths() {
        let of = |text: &str| text.parse::<Widths>().map(|w| w.0);
        assert_eq!(of("1-3,9"), Ok(vec![1, 2, 3, 9]));
        assert_eq!(of("8, 2"), Ok(vec![1, 2, 8]));
        for bad in ["", "0", "3-1", "a", "1,,2", "513", "-3"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn self_drafts() {
        assert_eq!("layers:4".parse(), Ok(SelfDraft::Layers(4)));
        assert_eq!("i4g32".parse(), Ok(SelfDraft::Format("i4g32".into())));
        for bad in ["layers:0", "layers:x", "layers:", "i4", "none", ""] {
            assert!(bad.parse::<SelfDraft>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
