//! A drafter and a target of known costs and acceptance.

use super::*;
use rand::rngs::ChaCha12Rng;
use rand::{Rng, SeedableRng};

/// What models cost, and how often drafts stand.
#[derive(Clone)]
pub(super) struct World {
    pub(super) widths: Vec<usize>,
    /// Seconds of a call of the target of a width.
    pub(super) target: fn(usize) -> f64,
    /// Of the drafter, whose widths are 1, 2 and 8.
    pub(super) drafter: fn(usize) -> f64,
    /// Whether a draft at this position stands behind so many tokens: the probability.
    pub(super) rate: fn(usize, usize) -> f64,
    /// Of every call, up and down; one call in 50 takes three times as long.
    pub(super) noise: f64,
    pub(super) prompt: usize,
}

pub(super) const DRAFTER: [usize; 3] = [1, 2, 8];
/// Runs that means are of.
pub(super) const SEEDS: u64 = 64;

pub(super) fn padded(widths: &[usize], tokens: usize) -> impl Iterator<Item = usize> + '_ {
    let widest = *widths.last().unwrap();
    let rest = tokens % widest;
    let last = widths.iter().copied().find(|w| *w >= rest && rest > 0);
    std::iter::repeat_n(widest, tokens / widest).chain(last)
}

/// Who chooses.
pub(super) enum Chooser {
    Fixed(usize),
    Learned(Box<Controller>),
}

pub(super) struct Outcome {
    pub(super) seconds: f64,
    pub(super) tokens: usize,
    /// Token behind which a round began, its drafts.
    pub(super) rounds: Vec<(usize, usize)>,
    pub(super) chooser: Chooser,
}

impl Outcome {
    /// Rounds with so many drafts behind tokens `from` to `to`, of all.
    pub(super) fn share(&self, from: usize, to: usize, drafts: impl Fn(usize) -> bool) -> f64 {
        let rounds = self.rounds.iter().filter(|r| (from..to).contains(&r.0));
        let (mut all, mut those) = (0_u32, 0_u32);
        for round in rounds {
            all += 1;
            those += u32::from(drafts(round.1));
        }
        f64::from(those) / f64::from(all.max(1))
    }

    pub(super) fn learned(&self) -> Learned {
        match &self.chooser {
            Chooser::Learned(c) => c.learned(),
            Chooser::Fixed(_) => panic!("nothing is learned"),
        }
    }
}

impl World {
    /// A drafter that costs 0.15 of a step, and a target whose calls grow by 0.05 a token.
    pub(super) fn good() -> Self {
        Self {
            widths: (1..=9).collect(),
            target: |w| 1.0 + 0.05 * (w - 1) as f64,
            drafter: |w| 0.15 + 0.01 * (w - 1) as f64,
            rate: |_, _| 0.8,
            noise: 0.03,
            prompt: 20,
        }
    }

    /// Drafts cost half of a step, and seldom stand.
    pub(super) fn bad() -> Self {
        Self {
            drafter: |w| 0.5 + 0.02 * (w - 1) as f64,
            rate: |_, _| 0.3,
            ..Self::good()
        }
    }

    pub(super) fn controller(&self, settings: &Goodput, overlapped: bool) -> Chooser {
        let made = Controller::new(settings, overlapped, &self.widths, &DRAFTER);
        Chooser::Learned(Box::new(made.unwrap()))
    }

    /// Decodes at least so many tokens.
    pub(super) fn run(
        &self,
        chooser: Chooser,
        overlapped: bool,
        tokens: usize,
        seed: u64,
    ) -> Outcome {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let mut draw = move || f64::from(random.next_u32()) / 4_294_967_296.0;
        let mut out = Outcome {
            seconds: 0.0,
            tokens: 0,
            rounds: vec![],
            chooser,
        };
        let starts = match &out.chooser {
            Chooser::Fixed(n) => *n > 0,
            Chooser::Learned(c) => c.begins_with_drafts(),
        };
        // what the drafter was fed, the prompt but its last token
        let mut fed = if starts { self.prompt - 1 } else { 0 };
        let mut pending: Option<usize> = None;
        while out.tokens < tokens {
            let (at, room) = (self.prompt + out.tokens, 10_000);
            let lacks = at - fed;
            let choice = match &mut out.chooser {
                Chooser::Fixed(drafts) => Choice {
                    drafts: *drafts,
                    feed: 0,
                    alone: false,
                },
                Chooser::Learned(c) => c.choose(lacks, room),
            };
            let noisy = |draw: &mut dyn FnMut() -> f64, seconds: f64| {
                let factor = 1.0 + self.noise * (2.0 * draw() - 1.0);
                let slow = if self.noise > 0.0 && draw() < 0.02 {
                    3.0
                } else {
                    1.0
                };
                seconds * factor * slow
            };
            let draft = |draw: &mut dyn FnMut() -> f64, fed: usize, count: usize| {
                let first = padded(&DRAFTER, fed).map(|w| noisy(draw, (self.drafter)(w)));
                let first = first.sum();
                let steps = count - 1;
                let rest = (0..steps).map(|_| noisy(draw, (self.drafter)(1))).sum();
                Draft {
                    fed,
                    first,
                    steps,
                    rest,
                }
            };
            let mut round = Round::default();
            let drafts = match pending.take() {
                Some(n) => n,
                None if choice.drafts == 0 => 0,
                None => {
                    round.alone = Some(draft(&mut draw, lacks, choice.drafts));
                    choice.drafts
                }
            };
            if choice.feed > 0 && drafts == 0 {
                fed += choice.feed;
                round.alone = Some(draft(&mut draw, choice.feed, 1));
            }
            let ahead = match overlapped && !choice.alone && drafts > 0 {
                true => choice.drafts,
                false => 0,
            };
            round.rows = drafts + usize::from(ahead == 0);
            round.verify = padded(&self.widths, round.rows)
                .map(|w| noisy(&mut draw, (self.target)(w)))
                .sum();
            round.drafted = drafts;
            round.accepted = (0..drafts)
                .take_while(|i| draw() < (self.rate)(out.tokens, *i))
                .count();
            let all = round.accepted == drafts;
            let alone = round.alone.map_or(0.0, |d| d.first + d.rest);
            let mut wall = round.verify;
            if ahead > 0 {
                let made = draft(&mut draw, 1, ahead);
                // after a miss it stops once the draft at hand is made
                let step = (made.first + made.rest) / ahead as f64;
                let calls = match all {
                    true => ahead,
                    false => ahead.min((round.verify / step).ceil() as usize),
                };
                let rest = step * (calls - 1) as f64;
                let done = Draft {
                    first: step,
                    rest,
                    steps: calls - 1,
                    fed: 1,
                };
                round.beside = Some(done);
                wall = wall.max(step * calls as f64);
            }
            round.total = alone + wall + 0.002;
            out.rounds.push((out.tokens, drafts));
            if drafts > 0 {
                fed = at + round.accepted.min(drafts - 1);
            }
            out.tokens += round.tokens();
            out.seconds += round.total;
            if ahead > 0 && all {
                fed = self.prompt + out.tokens;
                pending = Some(ahead);
            }
            if let Chooser::Learned(c) = &mut out.chooser {
                c.observe(&round);
            }
        }
        out
    }

    /// Seconds a token, mean over some seeds.
    pub(super) fn mean(
        &self,
        chooser: impl Fn() -> Chooser,
        overlapped: bool,
        tokens: usize,
    ) -> f64 {
        let seeds = 0..SEEDS;
        let of = |seed| {
            let out = self.run(chooser(), overlapped, tokens, seed);
            out.seconds / out.tokens as f64
        };
        seeds.map(of).sum::<f64>() / SEEDS as f64
    }

    pub(super) fn best_fixed(&self, overlapped: bool, tokens: usize) -> (usize, f64) {
        let all = (0..=8).map(|n| (n, self.mean(|| Chooser::Fixed(n), overlapped, tokens)));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap()
    }
}
