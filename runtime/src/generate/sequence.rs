//! The sequence under way: its tokens, what the drafter has of them, and when it ends.

use super::control::Control;
use super::drafter::Task;
use super::error::GenerateError;
use super::settings::{Finish, Settings};
use rand::rngs::ChaCha12Rng;
use std::time::Instant;

/// What is under way.
pub(super) struct Sequence {
    pub settings: Settings,
    pub control: Control,
    pub random: ChaCha12Rng,
    /// Prompt and generated tokens.
    pub tokens: Vec<u32>,
    pub prompt: usize,
    /// Leading tokens that the drafter's cache has.
    pub cached: usize,
    /// Number of tasks so far.
    pub tasks: u64,
    /// Drafts of an overlapped round, behind the tokens.
    pub pending: Option<Task>,
    pub began: Option<Instant>,
    pub finished: Option<Finish>,
}

impl Sequence {
    /// Tokens that may still be generated; at least 1 unless the sequence has ended.
    pub(super) fn left(&self, context: usize) -> usize {
        let generated = self.tokens.len() - self.prompt;
        let wanted = self.settings.max_tokens.saturating_sub(generated);
        wanted.min(context.saturating_sub(self.tokens.len()))
    }

    /// Takes in the round's tokens, up to a stop token, and sees whether the sequence has ended.
    pub(super) fn settle(
        &mut self,
        drafted: usize,
        accepted: usize,
        tokens: &[u32],
        context: usize,
    ) {
        if drafted > 0 {
            // The last draft was never fed to the drafter.
            self.cached = self.tokens.len() + accepted.min(drafted - 1);
        }
        let left = self.left(context);
        for token in tokens.iter().take(left) {
            self.tokens.push(*token);
            if self.settings.stop.contains(token) {
                self.finished = Some(Finish::Stop(*token));
                return;
            }
        }
        if self.tokens.len() - self.prompt >= self.settings.max_tokens {
            self.finished = Some(Finish::MaxTokens);
        } else if self.tokens.len() >= context {
            self.finished = Some(Finish::Context);
        }
    }
}

/// Whether a prompt can be gone on from.
pub(super) fn check(
    prompt: &[u32],
    context: usize,
    vocabulary: usize,
) -> Result<(), GenerateError> {
    let (tokens, most) = (prompt.len(), context.saturating_sub(1));
    if tokens == 0 {
        return Err(GenerateError::EmptyPrompt);
    }
    if tokens > most {
        return Err(GenerateError::LongPrompt {
            tokens,
            context,
            most,
        });
    }
    let outside = |(_, token): &(usize, &u32)| **token as usize >= vocabulary;
    match prompt.iter().enumerate().find(outside) {
        Some((index, token)) => Err(GenerateError::Token {
            index,
            token: *token,
            vocabulary,
        }),
        None => Ok(()),
    }
}
