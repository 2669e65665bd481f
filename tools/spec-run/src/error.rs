//! What goes wrong, whose fault it is, and what to do.

use spec_cost::CostError;
use spec_profile::bundle::BundleError;
use spec_profile::predict::PredictError;
use spec_runtime::generate::GenerateError;
use spec_runtime::model::LoadError;
use spec_text::WordsError;
use std::path::PathBuf;

/// Any error of this program.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The bundle.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Text and tokens.
    #[error("{0}{hint}", hint = hint(.0))]
    Words(#[from] WordsError),
    /// A prompt, or another file that is read, cannot be.
    #[error("cannot read {name}: {source}")]
    Prompt {
        /// The file, or the standard input.
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A prompt is not text.
    #[error("{name} is not UTF-8 at byte {at}: convert it, for example with iconv -t utf-8")]
    Utf8 {
        /// The file, or the standard input.
        name: String,
        /// Offset of the first byte that is wrong.
        at: usize,
    },
    /// Drafts without a drafter.
    #[error(
        "{} has no drafter, so a draft length of {length} cannot be: leave it at 0, or compile a pair (spec-compile --keep-drafter keeps one that the plan does not use)",
        bundle.display()
    )]
    NoDrafter {
        /// The bundle.
        bundle: PathBuf,
        /// As asked for.
        length: String,
    },
    /// Acceptance without a drafter.
    #[error(
        "{} has no drafter, so {option} has nothing to tell: leave it out, or compile a pair (spec-compile --keep-drafter keeps one that the plan does not use)",
        bundle.display()
    )]
    NothingDrafted {
        /// The bundle.
        bundle: PathBuf,
        /// The option.
        option: &'static str,
    },
    /// The plan has no acceptance rate.
    #[error(
        "{}: the bundle's plan does not say an acceptance rate: give --alpha, or --acceptance with what spec-bench --calibrate measured",
        bundle.display()
    )]
    NoAcceptance {
        /// The bundle.
        bundle: PathBuf,
    },
    /// The bundle does not say what a plan needs.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// There is no prediction.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A file that a plan needs, or what stands in it.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// The device file that the bundle was compiled for.
    #[error("{0}; say which device file to plan with: --soc")]
    Soc(CostError),
    /// There is nothing to compare.
    #[error(
        "nothing to compare: with a draft length of 0 both sides are plain decoding of the target{why}; give --draft-length 4, for example"
    )]
    NothingToCompare {
        /// ` (as the plan says)` or empty.
        why: &'static str,
    },
    /// Generation failed.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// Output cannot be written.
    #[error("cannot write {name}: {source}")]
    Write {
        /// The file, or the standard output.
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot watch for Ctrl-C: {0}")]
    Interrupt(#[from] ctrlc::Error),
    /// Greedy tokens differ.
    #[error(
        "greedy tokens differ from plain decoding at index {at}: {speculative} with drafts, {plain} without; the compiled functions of different widths disagree, which is a fault of the bundle, please report it"
    )]
    Differ {
        /// Index of the first token that differs.
        at: usize,
        /// The token with drafts, or `the end`.
        speculative: String,
        /// The token without.
        plain: String,
    },
    /// The validation layer complained.
    #[error("Vulkan's validation layer has {0} complaints; they are above")]
    Validation(usize),
}

/// What helps with this program's options.
fn hint(error: &WordsError) -> &'static str {
    match error {
        WordsError::NoTokenizer { .. } => "; or give token ids with --prompt-tokens",
        WordsError::NoTemplate => ", or leave --chat out",
        WordsError::Template(_) => "; write the conversation into the prompt, without --chat",
        _ => "",
    }
}

impl RunError {
    /// What the program returns.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Differ { .. } => 3,
            _ => 1,
        }
    }

    /// The message with its causes.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let message = error.to_string();
            if !text.contains(&message) {
                text = format!("{text}: {message}");
            }
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let io = || std::io::Error::other("no disk");
        let error = RunError::Write {
            name: "x.json".into(),
            source: io(),
        };
        assert_eq!(error.chain(), "cannot write x.json: no disk");
        let error = RunError::Generate(GenerateError::Thread(io()));
        assert_eq!(error.chain(), "no thread for the drafter: no disk");
        assert_eq!(error.exit_code(), 1);
    }

    #[test]
    fn a_difference_has_a_code_of_its_own() {
        let error = RunError::Differ {
            at: 3,
            speculative: "7".into(),
            plain: "the end".into(),
        };
        assert_eq!(error.exit_code(), 3);
        assert!(
            error
                .chain()
                .contains("at index 3: 7 with drafts, the end without")
        );
    }
}
