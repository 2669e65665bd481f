//! What a round costs: of the calls that it is made of.

use super::prior::Prior;
use super::seconds::{Calls, Running, TRIED, on_list};

/// Calls of a kind that are enough to go by.
const TRIALS: u32 = 2;

/// A run of the drafter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    /// Tokens of its first call.
    pub fed: usize,
    /// Seconds of that, and of choosing the first draft.
    pub first: f64,
    /// Further calls, of one token each.
    pub steps: usize,
    /// Seconds of them, and of choosing their drafts.
    pub rest: f64,
}

/// What a round did, and what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Round {
    /// Drafts that were verified.
    pub drafted: usize,
    /// Those that stood.
    pub accepted: usize,
    /// Tokens that the target was called with.
    pub rows: usize,
    /// Seconds of that call, and of judging.
    pub verify: f64,
    /// The drafter, with nothing beside it.
    pub alone: Option<Draft>,
    /// The drafter beside the target, for the round to come.
    pub beside: Option<Draft>,
    /// All of it.
    pub total: f64,
}

impl Round {
    /// Tokens of the round, before it is cut at a stop token.
    pub(crate) fn tokens(&self) -> usize {
        (self.accepted + 1).min(self.rows)
    }
}

/// What calls take.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Costs {
    overlapped: bool,
    target_prior: Vec<(usize, f64)>,
    drafter_prior: Vec<(usize, f64)>,
    target: Calls,
    drafter: Calls,
    widest_of_drafter: usize,
    /// The target while the drafter runs.
    beside: Calls,
    /// A step of the drafter while the target runs.
    step_beside: Running,
    /// The rest of a round without drafts, and of one with.
    rest_plain: Running,
    rest: Running,
}

impl Costs {
    pub(super) fn new(
        prior: &Prior,
        overlapped: bool,
        target: &[usize],
        drafter: &[usize],
    ) -> Self {
        Self {
            overlapped,
            target_prior: prior.target.clone(),
            drafter_prior: prior.drafter.clone(),
            target: Calls::new(target),
            drafter: Calls::new(drafter),
            widest_of_drafter: drafter.last().copied().unwrap_or(1).max(1),
            beside: Calls::new(target),
            step_beside: Running::default(),
            rest_plain: Running::default(),
            rest: Running::default(),
        }
    }

    pub(super) fn overlapped(&self) -> bool {
        self.overlapped
    }

    fn target(&self, tokens: usize) -> Option<f64> {
        self.target
            .seconds(tokens, &|w| on_list(&self.target_prior, w))
    }

    fn drafter(&self, tokens: usize) -> Option<f64> {
        self.drafter
            .seconds(tokens, &|w| on_list(&self.drafter_prior, w))
    }

    fn beside(&self, tokens: usize) -> Option<f64> {
        self.beside.seconds(tokens, &|w| self.target(w))
    }

    fn rest(&self) -> f64 {
        let plain = self.rest_plain.mean().unwrap_or(0.0);
        self.rest.mean().unwrap_or(plain)
    }

    /// A round without drafts.
    pub(super) fn plain(&self) -> Option<f64> {
        Some(self.target(1)? + self.rest_plain.mean().unwrap_or(0.0))
    }

    /// Rounds without drafts that were measured.
    pub(super) fn plain_count(&self) -> u32 {
        self.rest_plain.count()
    }

    /// Where feeding the drafter with so many tokens would take calls of a kind that was hardly ever made: the tokens of one such call,
    /// and its seconds, if anything is known of them.
    pub(super) fn trial(&self, lacks: usize) -> Option<(usize, Option<f64>)> {
        let tokens = self.widest_of_drafter.min(lacks.saturating_sub(1));
        let unknown = tokens > 1 && self.drafter.count(tokens) < TRIALS;
        unknown.then(|| (tokens, self.drafter(tokens)))
    }

    /// A round by itself, with a drafter that lacks so many tokens.
    pub(super) fn alone(&self, drafts: usize, lacks: usize) -> Option<f64> {
        let steps = drafts.saturating_sub(1) as f64 * self.drafter(1)?;
        Some(self.target(drafts + 1)? + self.drafter(lacks)? + steps + self.rest())
    }

    /// A round of so many drafts among others like it, all of which stand with this probability. What the drafter was not fed of a
    /// round in which all stood is fed with the next one's first token.
    pub(super) fn round(&self, drafts: usize, all: f64) -> Option<f64> {
        let step = self.drafter(1)?;
        if !self.overlapped {
            let first = all * self.drafter(2)? + (1.0 - all) * step;
            let steps = drafts.saturating_sub(1) as f64 * step;
            return Some(self.target(drafts + 1)? + first + steps + self.rest());
        }
        let (verify, beside) = (
            self.beside(drafts)?,
            self.step_beside.mean().unwrap_or(step),
        );
        let ahead = drafts as f64 * beside;
        // after a miss the draft at hand is waited for, and the next block is drafted with nothing beside it
        let hit = verify.max(ahead);
        let miss = verify.max(ahead.min(verify + beside / 2.0)) + drafts as f64 * step;
        Some(all * hit + (1.0 - all) * miss + self.rest())
    }

    /// Whether it was measured often enough what it costs to verify so many drafts.
    pub(super) fn is_known(&self, drafts: usize) -> bool {
        match self.overlapped {
            true => self.beside.count(drafts) >= TRIED,
            false => self.target.count(drafts + 1) >= TRIED,
        }
    }

    /// What a round should take that did what this one did.
    pub(super) fn of(&self, round: &Round) -> f64 {
        let draft = |d: &Draft| {
            let first = self.drafter(d.fed).unwrap_or(0.0);
            first + d.steps as f64 * self.drafter(1).unwrap_or(0.0)
        };
        let alone = round.alone.as_ref().map_or(0.0, draft);
        let verify = self.target(round.rows).unwrap_or(0.0);
        let ahead = round.beside.as_ref().map_or(0.0, draft);
        let missed = round.accepted < round.drafted;
        alone + verify.max(if missed { 0.0 } else { ahead })
    }

    /// Takes in what a round took.
    pub(super) fn observe(&mut self, round: &Round) {
        let mut parts = round.verify;
        if let Some(draft) = &round.alone {
            self.drafter.observe(draft.fed, draft.first);
            if draft.steps > 0 {
                self.drafter.observe(1, draft.rest / draft.steps as f64);
            }
            parts += draft.first + draft.rest;
        }
        match &round.beside {
            None => self.target.observe(round.rows, round.verify),
            Some(draft) => {
                self.beside.observe(round.rows, round.verify);
                let calls = 1 + draft.steps;
                let seconds = draft.first + draft.rest;
                self.step_beside.add(seconds / calls as f64);
                parts += (seconds - round.verify).max(0.0);
            }
        }
        let rest = (round.total - parts).max(0.0);
        match round.drafted {
            0 => self.rest_plain.add(rest),
            _ => self.rest.add(rest),
        }
    }
}
