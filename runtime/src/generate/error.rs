//! What can go wrong with a generation.

use crate::accept::AcceptError;
use crate::draft_length::ParameterError;
use crate::forward::ForwardError;
use crate::manifest::Role;
use crate::sampling::SamplingError;

/// Nothing, or nothing more, was generated. A [`Generator`](super::Generator) can be started anew after any of them.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is no token to go on from.
    #[error("the prompt is empty: give at least one token, such as the model's BOS")]
    EmptyPrompt,
    /// The prompt leaves no room.
    #[error(
        "the prompt has {tokens} tokens; a context of {context} takes up to {most}: shorten it, or compile for a longer context"
    )]
    LongPrompt {
        /// Its tokens.
        tokens: usize,
        /// Rows of the smaller cache.
        context: usize,
        /// What would fit.
        most: usize,
    },
    /// A token of the prompt is outside of the vocabulary.
    #[error(
        "token {token} at index {index} of the prompt is outside of the vocabulary of {vocabulary}: was it encoded by another model's tokenizer?"
    )]
    Token {
        /// Which one.
        index: usize,
        /// The token.
        token: u32,
        /// The target's.
        vocabulary: usize,
    },
    /// The models are no pair.
    #[error(
        "the drafter's vocabulary has {drafter} tokens, the target's {target}: they do not share a tokenizer"
    )]
    Vocabulary {
        /// The drafter's.
        drafter: usize,
        /// The target's.
        target: usize,
    },
    /// Drafts were asked for without a model to make them.
    #[error("there is no drafter: set a draft length of 0")]
    NoDrafter,
    /// The draft length is out of range.
    #[error("draft length: {0}")]
    Drafting(#[from] ParameterError),
    /// The sampling settings are out of range, or nothing can be sampled from a model's logits.
    #[error("{}", sampling_message(*role))]
    Sampling {
        /// Whose logits; none for the settings.
        role: Option<Role>,
        /// What is wrong.
        #[source]
        source: SamplingError,
    },
    /// A model could not be run.
    #[error("the {} failed at position {position}", role_name(*role))]
    Forward {
        /// Which model.
        role: Role,
        /// Position of the call's first token.
        position: usize,
        /// Why.
        #[source]
        source: ForwardError,
    },
    /// The drafter's thread panicked: a bug in the drafter's code.
    #[error("the drafter panicked: {0}")]
    Panic(String),
    /// The drafter's thread could not be started.
    #[error("no thread for the drafter")]
    Thread(#[source] std::io::Error),
    /// Distributions made here were refused: a bug in this crate.
    #[error("internal error of the generation: {0}")]
    Accept(#[from] AcceptError),
    /// [`Generator::round`](super::Generator::round) without [`Generator::start`](super::Generator::start), or after an error.
    #[error("no sequence is under way: call start first (also after an error)")]
    NotStarted,
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Drafter => "drafter",
        Role::Target => "target",
        Role::None => "model",
    }
}

fn sampling_message(role: Option<Role>) -> String {
    match role {
        Some(role) => format!("the {}'s logits are of no use", role_name(role)),
        None => "the sampling settings are out of range".into(),
    }
}

impl GenerateError {
    pub(super) fn sampling(role: Role) -> impl Fn(SamplingError) -> Self {
        move |source| Self::Sampling {
            role: Some(role),
            source,
        }
    }

    pub(super) fn forward(role: Role, position: usize) -> impl Fn(ForwardError) -> Self {
        move |source| Self::Forward {
            role,
            position,
            source,
        }
    }

    /// Logits of another number than asked for: a bug in the implementation of a model.
    pub(super) fn check_logits(
        role: Role,
        position: usize,
        expected: usize,
        got: usize,
    ) -> Result<(), Self> {
        if expected == got {
            return Ok(());
        }
        let what = format!("it returned {got} logits where {expected} were asked for");
        Err(Self::forward(role, position)(ForwardError::device(what)))
    }
}
