//! What a generation cost and gained: sums over all rounds, and the latest rounds one by one.

use std::time::Duration;

/// As many of the latest rounds are kept one by one, at least; at most twice as many.
pub const KEPT_ROUNDS: usize = 4096;

/// Who was busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// The drafter's device.
    Drafter,
    /// The target's device.
    Target,
    /// The host: sampling and acceptance.
    Host,
}

/// One busy stretch of a lane, in time since the start of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Who.
    pub lane: Lane,
    /// From when.
    pub from: Duration,
    /// Until when.
    pub to: Duration,
}

/// One round: some drafts, one verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoundStats {
    /// Begin, since the start of decoding.
    pub start: Duration,
    /// Wall time.
    pub total: Duration,
    /// The drafter's runs. In an overlapped round they are beside the target's, so the parts may exceed the total.
    pub draft: Duration,
    /// The target's run.
    pub verify: Duration,
    /// Writing inputs and copying logits, of all runs.
    pub handoff: Duration,
    /// Distributions, sampling and acceptance, of both models.
    pub sampling: Duration,
    /// Drafts that were verified: 0 in a round of plain decoding.
    pub drafted: usize,
    /// Leading drafts that stood, 0 ..= `drafted`.
    pub accepted: usize,
    /// Tokens of the round, after cutting at a stop token.
    pub emitted: usize,
    /// Drafts made ahead in vain, in this round: an overlapped round that misses throws the next block away.
    pub discarded: usize,
    /// When each lane was busy, ascending by `from` in each lane.
    pub spans: Vec<Span>,
}

/// Of one draft position, counted from the round's first draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Rounds in which all drafts before it stood, and it was verified.
    pub reached: u64,
    /// Rounds in which it stood too.
    pub accepted: u64,
}

/// Of one sequence, from [`crate::generate::Generator::start`] on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Wall time of feeding all but the last of them to both models.
    pub prefill: Duration,
    /// Tokens generated.
    pub tokens: usize,
    /// Wall time of all rounds, without what the caller does between them.
    pub decode: Duration,
    /// The latest rounds, oldest first: all of them up to [`KEPT_ROUNDS`], at least so many after that.
    pub rounds: Vec<RoundStats>,
    /// Sums over all rounds, also those no longer in `rounds`. `start` and `spans` are not in use.
    pub sum: RoundStats,
    /// Number of all rounds.
    pub round_count: usize,
    positions: Vec<Position>,
    lengths: Vec<u64>,
}

impl Stats {
    /// Generated tokens a second of decoding; 0 before the first round.
    pub fn tokens_per_second(&self) -> f64 {
        ratio(self.tokens as f64, self.decode.as_secs_f64())
    }

    /// Generated tokens a round, 1 in plain decoding; 0 before the first round.
    pub fn tokens_per_round(&self) -> f64 {
        ratio(self.tokens as f64, self.round_count as f64)
    }

    /// Prompt tokens a second of prefill; 0 for a prompt of one token, which needs none.
    pub fn prefill_tokens_per_second(&self) -> f64 {
        let fed = self.prompt_tokens.saturating_sub(1);
        ratio(fed as f64, self.prefill.as_secs_f64())
    }

    /// Accepted drafts of those reached, over all positions: the acceptance rate of the cost model. None before any draft was verified.
    pub fn acceptance_rate(&self) -> Option<f64> {
        let sum = |f: fn(&Position) -> u64| self.positions.iter().map(f).sum::<u64>();
        let reached = sum(|p| p.reached);
        (reached > 0).then(|| sum(|p| p.accepted) as f64 / reached as f64)
    }

    /// For each draft position from the first on, how often it was reached and accepted.
    pub fn acceptance_by_position(&self) -> &[Position] {
        &self.positions
    }

    /// Rounds by the number of their drafts, from 0 drafts on, up to the most that a round had.
    pub fn rounds_by_length(&self) -> &[u64] {
        &self.lengths
    }

    /// Takes in a round.
    pub(crate) fn add(&mut self, round: RoundStats) {
        self.tokens += round.emitted;
        self.decode += round.total;
        self.round_count += 1;
        let sum = &mut self.sum;
        sum.total += round.total;
        sum.draft += round.draft;
        sum.verify += round.verify;
        sum.handoff += round.handoff;
        sum.sampling += round.sampling;
        sum.drafted += round.drafted;
        sum.accepted += round.accepted;
        sum.emitted += round.emitted;
        sum.discarded += round.discarded;
        if self.lengths.len() <= round.drafted {
            self.lengths.resize(round.drafted + 1, 0);
        }
        if let Some(count) = self.lengths.get_mut(round.drafted) {
            *count += 1;
        }
        let reached = round.drafted.min(round.accepted + 1);
        if self.positions.len() < reached {
            self.positions.resize(reached, Position::default());
        }
        for (i, position) in self.positions.iter_mut().take(reached).enumerate() {
            position.reached += 1;
            position.accepted += u64::from(i < round.accepted);
        }
        if self.rounds.len() >= 2 * KEPT_ROUNDS {
            self.rounds.drain(..KEPT_ROUNDS);
        }
        self.rounds.push(round);
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}
