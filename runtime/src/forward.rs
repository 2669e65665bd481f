//! One model with a KV cache of its own, called with tokens, giving logits: what [`crate::generate`] runs a drafter and a target
//! through, whatever they run on.

mod convert;
mod cover;
pub(crate) mod covered;
pub(crate) mod cpu;
#[cfg(feature = "vulkan")]
pub(crate) mod vulkan;

use std::time::Duration;

/// A model with a KV cache of its own. The cache has one row a position, 0 ..= `context - 1`. What a call writes at its
/// positions replaces what was there, and rows behind them are never read before they are written again: so going back is
/// nothing but calling at an earlier position.
pub trait Forward: Send {
    /// Number of logits of a token.
    fn vocabulary(&self) -> usize;

    /// Rows of the cache: the most tokens that one sequence can have fed in.
    fn context(&self) -> usize;

    /// Numbers of tokens that one call of compiled code takes, ascending, at least one.
    fn widths(&self) -> &[usize];

    /// Feeds `tokens` at `position`, `position` + 1 ... and replaces `logits` by those of the last `rows` of them, row-major
    /// `[rows, vocabulary]`, f32, not normalised. `rows` = 0 only fills the cache, as for a prompt.
    ///
    /// Takes any number of tokens from 1 to what the cache has room for: they are covered by the [`widths`](Self::widths), the
    /// last call padded if the cache has room. Rows of the cache from `position` on are overwritten (also behind the tokens, by
    /// padding); those before it must have been fed by earlier calls.
    ///
    /// # Errors
    /// [`ForwardError::Rows`], [`ForwardError::Room`], [`ForwardError::Token`] before anything is computed;
    /// [`ForwardError::Device`] if the call itself fails. Rows from `position` on are undefined after an error; those before are
    /// as they were.
    fn forward(
        &mut self,
        tokens: &[u32],
        position: usize,
        rows: usize,
        logits: &mut Vec<f32>,
    ) -> Result<CallTime, ForwardError>;
}

/// Where the time of one [`Forward::forward`] went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallTime {
    /// Compiled code, or on a GPU from submission to completion.
    pub run: Duration,
    /// Writing inputs and copying logits.
    pub handoff: Duration,
}

impl CallTime {
    /// Both parts together.
    pub fn total(self) -> Duration {
        self.run + self.handoff
    }
}

impl std::ops::AddAssign for CallTime {
    fn add_assign(&mut self, other: Self) {
        self.run += other.run;
        self.handoff += other.handoff;
    }
}

/// Why a model was not run.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// No tokens, or more rows of logits asked for than tokens: the caller's mistake.
    #[error(
        "{rows} rows of logits cannot be had from {tokens} tokens: feed at least one token, and at least as many as rows"
    )]
    Rows {
        /// Tokens given.
        tokens: usize,
        /// Rows asked for.
        rows: usize,
    },
    /// The tokens do not fit into the cache: the caller's mistake.
    #[error(
        "{tokens} tokens at position {position} do not fit into a cache of {context}: start a shorter sequence, or compile for a longer context"
    )]
    Room {
        /// Tokens given.
        tokens: usize,
        /// Position of the first.
        position: usize,
        /// Rows of the cache.
        context: usize,
    },
    /// A token is outside of the vocabulary: the caller's mistake.
    #[error(
        "token {token} at index {index} is outside of the vocabulary of {vocabulary}: was the text encoded by another model's tokenizer?"
    )]
    Token {
        /// Which token of the call.
        index: usize,
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// The device or the compiled code failed; the source says how.
    #[error("the model could not be run")]
    Device(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ForwardError {
    /// A failure of the device.
    pub fn device(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Device(error.into())
    }
}

/// Checks the arguments of [`Forward::forward`]: what every model does first.
///
/// # Errors
/// [`ForwardError::Rows`], [`ForwardError::Room`], [`ForwardError::Token`].
pub fn check(
    vocabulary: usize,
    context: usize,
    tokens: &[u32],
    position: usize,
    rows: usize,
) -> Result<(), ForwardError> {
    if tokens.is_empty() || rows > tokens.len() {
        let tokens = tokens.len();
        return Err(ForwardError::Rows { tokens, rows });
    }
    if position > context || tokens.len() > context - position {
        let tokens = tokens.len();
        return Err(ForwardError::Room {
            tokens,
            position,
            context,
        });
    }
    match tokens.iter().position(|t| *t as usize >= vocabulary) {
        Some(index) => Err(ForwardError::Token {
            index,
            token: tokens[index],
            vocabulary,
        }),
        None => Ok(()),
    }
}
