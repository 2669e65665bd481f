//! The draft length of the highest goodput: expected tokens of a round over its expected seconds, both learned in the run.
//!
//! The term and the idea are of SmartSpec (Liu et al., 2024, arXiv 2406.14066), which chooses among lengths from 0 on by estimates of
//! acceptance and of time. Here one sequence is decoded, so that what a round costs is measured, not modelled, and leaving the drafter
//! alone is a choice that must be left again: at length 0 nothing is learned about drafts. So there are probes, short rounds now and
//! then, which may cost 1 % of the time, and beside it a quarter of what drafts have gained before.
//!
//! A length depends on earlier rounds only, so rejection sampling stays exact. It depends on time too, unless [`Goodput::measure`] is
//! off: then the same seed gives the same tokens again.

mod acceptance;
mod ledger;
mod prior;
mod round;
mod seconds;

pub use prior::Prior;
pub(crate) use round::{Draft, Round};

use super::{MAX, ParameterError, at_most};
use acceptance::{Acceptance, Tokens};
use ledger::Ledger;
use round::Costs;

/// How to choose lengths of the highest goodput.
#[derive(Clone, Debug, PartialEq)]
pub struct Goodput {
    /// At most, 1 ..= [`MAX`]: what one call of the target verifies, less one.
    pub max: usize,
    /// What is believed before the run.
    pub prior: Prior,
    /// Whether calls are timed. If not, the prior's seconds stay what they are, and it must have some of both models: then lengths do not
    /// depend on time.
    pub measure: bool,
}

impl Goodput {
    /// Nothing is believed, everything is measured.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            prior: Prior::default(),
            measure: true,
        }
    }
}

/// One length, as the run sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Way {
    /// Drafts of a round; 0: plain decoding.
    pub draft_length: usize,
    /// Expected tokens of a round.
    pub tokens: f64,
    /// Expected seconds of a round.
    pub seconds: f64,
}

impl Way {
    /// Expected tokens a second.
    pub fn goodput(&self) -> f64 {
        self.tokens / self.seconds
    }
}

/// What was learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// Lengths from 0 on, as far as seconds are known.
    pub ways: Vec<Way>,
    /// Rounds that were probes.
    pub probes: u64,
    /// Seconds that they took longer than plain decoding of their tokens takes: net, not below 0.
    pub probe_seconds: f64,
}

/// What the next round may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Drafts.
    pub drafts: usize,
    /// Without drafts: tokens that the drafter lacks and is to be fed with, to see what that takes.
    pub feed: usize,
    /// Whether it is a round by itself, in an overlapped schedule too.
    pub alone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Probing,
    Drafting,
}

/// Rounds of plain decoding at the start, to know what it costs.
const LEAD: u32 = 2;
/// After so many rounds with drafts one without is measured again.
const REFRESH: u64 = 256;
/// One round in so many is longer by a draft, as long as it is not known what that costs.
const LONGER: u64 = 4;
/// Rounds with drafts before they are given up.
const TRIALS: u64 = 3;
/// Behind fewer tokens nothing is tried.
const ROOM: usize = 32;
/// The first rounds draft no more than this; twice as many after each in which all stood.
const START: usize = 2;
/// Rounds that all which was seen counts, once it has been given up, or belongs to another text.
const DOUBT: f64 = 4.0;
const OTHER_TEXT: f64 = 8.0;
/// A probe goes on for as long as drafts stand, up to this.
const CHAIN: u32 = 16;

/// Chooses lengths.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Controller {
    settings: Goodput,
    mode: Mode,
    acceptance: Acceptance,
    costs: Costs,
    ledger: Ledger,
    /// Most drafts of a round for now.
    cap: usize,
    /// Rounds with drafts since one without.
    drafting: u64,
    /// Rounds with drafts.
    rounds: u64,
    /// Rounds of the probe that is under way.
    chain: u32,
    probes: u64,
}

impl Controller {
    /// `target` and `drafter` are the widths of the models.
    ///
    /// # Errors
    /// Settings out of range.
    pub(crate) fn new(
        settings: &Goodput,
        overlapped: bool,
        target: &[usize],
        drafter: &[usize],
    ) -> Result<Self, ParameterError> {
        at_most("the longest draft", 1, settings.max)?;
        settings.prior.check()?;
        let prior = &settings.prior;
        if !settings.measure && (prior.target.is_empty() || prior.drafter.is_empty()) {
            return Err(ParameterError {
                what: "without measuring, the number of models whose seconds the prior has",
                range: "2: give a profile, or let it measure",
                got: f64::from(u8::from(!prior.target.is_empty()))
                    + f64::from(u8::from(!prior.drafter.is_empty())),
            });
        }
        let mut made = Self {
            settings: settings.clone(),
            mode: Mode::Drafting,
            acceptance: Acceptance::new(&prior.survival, prior.weight),
            costs: Costs::new(prior, overlapped, target, drafter),
            ledger: Ledger::default(),
            cap: START,
            drafting: 0,
            rounds: 0,
            chain: 0,
            probes: 0,
        };
        let drafts = match prior.draft_length {
            Some(n) => n > 0,
            None => made.seems_to_pay(),
        };
        if !drafts {
            made.acceptance.settle(DOUBT);
            made.mode = Mode::Plain;
        }
        Ok(made)
    }

    /// Whether this was made for the same settings and schedule.
    pub(crate) fn is_for(&self, settings: &Goodput, overlapped: bool) -> bool {
        self.settings == *settings && self.costs.overlapped() == overlapped
    }

    /// Goes on with another sequence: calls cost what they did, but the text is another. Without measuring, nothing of what was is left.
    pub(crate) fn restart(&mut self) {
        self.acceptance.doubt(OTHER_TEXT);
        self.ledger.tried_anew();
        self.chain = 0;
        self.mode = match self.seems_to_pay() {
            true => Mode::Drafting,
            false => Mode::Plain,
        };
    }

    /// Whether the run begins with drafts, so that the prompt is to be fed to the drafter at once.
    pub(crate) fn begins_with_drafts(&self) -> bool {
        self.mode == Mode::Drafting
    }

    /// Whether any length is better than 0 by what is known; also if nothing is.
    fn seems_to_pay(&self) -> bool {
        let Some(plain) = self.costs.plain() else {
            return true;
        };
        match self.best(self.settings.max, self.settings.max) {
            None => true,
            Some(way) => way.goodput() > 1.0 / plain,
        }
    }

    /// The way to decode with so many drafts; None: its seconds are not known.
    fn way(&self, drafts: usize) -> Option<Way> {
        if drafts == 0 {
            let seconds = self.costs.plain()?;
            return Some(Way {
                draft_length: 0,
                tokens: 1.0,
                seconds,
            });
        }
        let tokens = self.tokens(drafts);
        let seconds = self.costs.round(drafts, tokens.all)?;
        (seconds > 0.0).then_some(Way {
            draft_length: drafts,
            tokens: tokens.mean,
            seconds,
        })
    }

    fn tokens(&self, drafts: usize) -> Tokens {
        let bonus = !self.costs.overlapped();
        self.acceptance.tokens(drafts, bonus)
    }

    /// The best way with 1 to `most` drafts, of which no more than `room` are of use.
    fn best(&self, most: usize, room: usize) -> Option<Way> {
        let ways = (1..=most.min(room)).filter_map(|n| self.way(n));
        ways.reduce(|best, way| match way.goodput() > best.goodput() {
            true => way,
            false => best,
        })
    }

    /// Chooses for the next round. `lacks`: tokens of the sequence that the drafter has not been fed, at least 1; `room`: drafts that may
    /// still become tokens.
    pub(crate) fn choose(&mut self, lacks: usize, room: usize) -> Choice {
        let (drafts, feed) = match self.mode {
            Mode::Drafting => (self.go_on(room), 0),
            Mode::Probing => (1, 0),
            Mode::Plain => self.probe(lacks, room),
        };
        Choice {
            drafts: drafts.min(room),
            feed,
            alone: self.mode != Mode::Drafting,
        }
    }

    /// While drafts pay.
    fn go_on(&mut self, room: usize) -> usize {
        let measure = self.settings.measure;
        let known = self.costs.plain_count();
        if measure && known < LEAD && room >= ROOM / 2 {
            return 0;
        }
        if measure && self.drafting >= REFRESH && room >= ROOM {
            return 0;
        }
        let max = self.settings.max;
        let Some(plain) = self.costs.plain() else {
            return self.cap.min(max);
        };
        let Some(best) = self.best(max, room) else {
            return if room > 0 { 1 } else { 0 }; // the drafter was never called
        };
        if best.goodput() * plain <= 1.0 {
            if measure && self.rounds < TRIALS && room >= ROOM {
                return 1; // one slow call is no reason yet
            }
            if room >= max {
                self.give_up();
            }
            return 0;
        }
        let drafts = match self.best(self.cap.min(max), room) {
            Some(way) if way.goodput() * plain > 1.0 => way.draft_length,
            _ => best.draft_length,
        };
        let due = measure && self.drafting % LONGER == LONGER - 1 && room >= ROOM;
        let longer = due && drafts < max.min(self.cap) && !self.costs.is_known(drafts + 1);
        drafts + usize::from(longer)
    }

    fn give_up(&mut self) {
        self.mode = Mode::Plain;
        self.acceptance.settle(DOUBT);
        self.ledger.gave_up();
        self.cap = START;
    }

    /// While decoding is plain: whether it is time to see. Drafts, or tokens to feed: what the drafter has never been fed with by its
    /// widest call is not fed with all that it lacks at once.
    fn probe(&mut self, lacks: usize, room: usize) -> (usize, usize) {
        let measure = self.settings.measure;
        let known = !measure || self.costs.plain_count() >= LEAD;
        let Some(plain) = self.costs.plain().filter(|_| known && room >= ROOM) else {
            return (0, 0);
        };
        if measure && let Some((tokens, seconds)) = self.costs.trial(lacks) {
            let due = self.ledger.affords(seconds.unwrap_or(plain), plain);
            return (0, if due { tokens } else { 0 });
        }
        let Some(round) = self.costs.alone(1, lacks) else {
            return (0, 0);
        };
        let cost = round - plain * (1.0 + self.acceptance.first());
        if !self.ledger.affords(cost, plain) {
            return (0, 0);
        }
        self.mode = Mode::Probing;
        self.chain = 0;
        (1, 0)
    }

    /// Takes in a round that was run as chosen, as far as the end of the sequence allowed.
    pub(crate) fn observe(&mut self, round: &Round) {
        let seconds = match self.settings.measure {
            true => {
                self.costs.observe(round);
                round.total
            }
            false => self.costs.of(round),
        };
        let Some(plain) = self.costs.plain() else {
            self.note_drafts(round);
            return;
        };
        let tokens = round.tokens() as f64;
        match (self.mode, round.drafted) {
            (Mode::Probing, 1..) => {
                self.probes += 1;
                self.ledger.probed(seconds, seconds - tokens * plain);
                self.note_drafts(round);
                self.see(round, plain);
            }
            (Mode::Drafting, 1..) => {
                self.ledger.drafted(seconds, tokens * plain - seconds);
                self.note_drafts(round);
            }
            (_, drafted) => {
                let fed = round.alone.filter(|_| drafted == 0);
                let fed = fed.map_or(0.0, |draft| draft.first);
                self.ledger.plain(seconds - fed);
                self.ledger.probed(fed, fed);
                match drafted {
                    0 => self.drafting = 0,
                    _ => self.note_drafts(round),
                }
            }
        }
    }

    fn note_drafts(&mut self, round: &Round) {
        if round.drafted == 0 {
            self.drafting = 0;
            return;
        }
        self.drafting += 1;
        self.rounds += 1;
        self.acceptance.observe(round.drafted, round.accepted);
        if round.accepted >= self.cap {
            self.cap = (2 * self.cap).min(MAX);
        }
    }

    /// After a round of a probe: whether to draft, to go on probing, or to leave it.
    fn see(&mut self, round: &Round, plain: f64) {
        self.chain += 1;
        let max = self.settings.max;
        let pays = self.best(max, max).is_some_and(|way| {
            let tokens = self.tokens(way.draft_length);
            let doubt = (tokens.deviation / tokens.mean).max(0.01);
            way.goodput() * plain * (1.0 - doubt) > 1.0
        });
        if pays {
            self.mode = Mode::Drafting;
            self.cap = START;
            self.ledger.found();
        } else if round.accepted < round.drafted || self.chain >= CHAIN {
            self.mode = Mode::Plain;
            self.ledger.missed(self.chain);
        }
    }

    /// What was learned so far.
    pub(crate) fn learned(&self) -> Learned {
        let ways = (0..=self.settings.max).filter_map(|n| self.way(n));
        Learned {
            ways: ways.collect(),
            probes: self.probes,
            probe_seconds: self.ledger.spent(),
        }
    }
}

#[cfg(test)]
mod tests;
