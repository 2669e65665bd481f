//! What the caller asks for, and how a sequence ends.

use crate::accept::{AcceptError, Rows};
use crate::draft_length::{AdaEdl, DraftLength, Heuristic, ParameterError, Static};
use crate::sampling::Sampling;

/// How many drafts a round makes.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Of the random numbers. The same seed, settings and logits give the same tokens, on any machine.
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

/// The controller of [`Drafting`]: small, and so given to the drafter's thread with each task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Control {
    Static(Static),
    Heuristic(Heuristic),
    AdaEdl(AdaEdl),
}

impl Control {
    pub(super) fn new(drafting: &Drafting) -> Result<Self, ParameterError> {
        Ok(match *drafting {
            Drafting::Fixed(length) => Self::Static(Static::new(length)?),
            Drafting::Heuristic { first, max } => Self::Heuristic(Heuristic::new(first, max)?),
            Drafting::Entropy { max, kappa, lambda } => {
                Self::AdaEdl(AdaEdl::new(max, kappa, lambda)?)
            }
        })
    }

    /// Whether [`DraftLength::stop`] looks at the drafter's distributions.
    pub(super) fn stops(&self) -> bool {
        matches!(self, Self::AdaEdl(_))
    }

    /// Takes in a round. A round in which all stood counts as one up to the limit, also if it was drafted ahead, before the limit
    /// went up, or was cut at the end of the sequence.
    pub(super) fn observe_round(&mut self, drafted: usize, accepted: usize) {
        let limit = self.limit();
        self.observe(match accepted == drafted {
            true => limit,
            false => accepted.min(limit.saturating_sub(1)),
        });
    }
}

impl DraftLength for Control {
    fn limit(&self) -> usize {
        match self {
            Self::Static(c) => c.limit(),
            Self::Heuristic(c) => c.limit(),
            Self::AdaEdl(c) => c.limit(),
        }
    }

    fn stop(&self, q: &Rows, row: usize) -> Result<bool, AcceptError> {
        match self {
            Self::Static(c) => c.stop(q, row),
            Self::Heuristic(c) => c.stop(q, row),
            Self::AdaEdl(c) => c.stop(q, row),
        }
    }

    fn observe(&mut self, accepted: usize) {
        match self {
            Self::Static(c) => c.observe(accepted),
            Self::Heuristic(c) => c.observe(accepted),
            Self::AdaEdl(c) => c.observe(accepted),
        }
    }
}
