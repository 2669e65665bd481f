//! What the caller asks for, and how a sequence ends.

use crate::draft_length::goodput::Goodput;
use crate::sampling::Sampling;

/// How many drafts a round makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Drafting {
    /// Always as many, 0 to [`crate::draft_length::MAX`]; 0 is plain decoding: one call of the target a token.
    Fixed(usize),
    /// Two more after a round in which all stood, else one less ([`crate::draft_length::Heuristic`]).
    Heuristic {
        /// In the first round, at least 1.
        first: usize,
        /// At most, in any round.
        max: usize,
    },
    /// Up to the first draft that the drafter is unsure of ([`crate::draft_length::AdaEdl`]).
    Entropy {
        /// At most.
        max: usize,
        /// Above 0; about 0.2.
        kappa: f64,
        /// The least bound on the acceptance to go on at, 0 to 1.
        lambda: f64,
    },
    /// As many as give the most tokens a second, 0 included, by what the run shows ([`crate::draft_length::goodput`]). What one sequence
    /// shows of time, and for its first rounds of acceptance, serves the next ones of the same generator, settings and schedule.
    ///
    /// Lengths then depend on time. Greedy tokens do not; random ones are distributed as ever, but the same seed need not give the
    /// same ones again, unless [`Goodput::measure`] is off.
    Goodput(Goodput),
}

impl Drafting {
    /// Whether no round makes drafts, so that no drafter is needed.
    pub fn is_plain(&self) -> bool {
        *self == Self::Fixed(0)
    }
}

/// When drafter and target run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// One after the other: a fully accepted round gains a token more than its drafts.
    #[default]
    Sequential,
    /// The drafter drafts the next block on a thread of its own while the target verifies this one. Pays where they do not share a
    /// device.
    Overlapped,
}

/// Of one sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Tokens to generate at most, a stop token included.
    pub max_tokens: usize,
    /// Tokens that end the sequence.
    pub stop: Vec<u32>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// How many drafts a round makes.
    pub drafting: Drafting,
    /// When the models run.
    pub schedule: Schedule,
    /// Of the random numbers. The same seed, settings and logits give the same tokens, on any machine (but see
    /// [`Drafting::Goodput`]).
    pub seed: u64,
}

impl Default for Settings {
    /// Plain greedy decoding of up to 128 tokens.
    fn default() -> Self {
        Self {
            max_tokens: 128,
            stop: vec![],
            sampling: Sampling::Greedy,
            drafting: Drafting::Fixed(0),
            schedule: Schedule::Sequential,
            seed: 0,
        }
    }
}

/// Why a sequence ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// This stop token came; it is the last of the sequence's tokens.
    Stop(u32),
    /// [`Settings::max_tokens`] have been generated.
    MaxTokens,
    /// Prompt and generated tokens fill the context.
    Context,
}
