//! What goes wrong between text and tokens.

use spec_runtime::text::TextError;
use std::path::PathBuf;

/// Why a text has no tokens.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// `text.json`.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The tokenizer cannot be read.
    #[error("cannot use the tokenizer {}: {reason}; copy the tokenizer.json of the model there", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There is none.
    #[error(
        "{} has no tokenizer, so a text cannot be a prompt: put the model's tokenizer.json there, or import the model again with spec-import, then spec-weights",
        bundle.display()
    )]
    NoTokenizer {
        /// The bundle.
        bundle: PathBuf,
    },
    /// The tokenizer does not take the text.
    #[error("the tokenizer fails at the prompt: {0}")]
    Encode(String),
    /// There is no chat template.
    #[error("the model has no chat template: use one that was trained for conversations")]
    NoTemplate,
    /// The chat template fails.
    #[error("the model's chat template fails: {0}")]
    Template(String),
    /// There is nothing to go on from.
    #[error(
        "the prompt is empty, and this model's prompts do not begin with a token of their own: write something"
    )]
    EmptyPrompt,
}
