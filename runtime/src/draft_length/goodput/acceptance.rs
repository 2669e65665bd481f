//! How often drafts stand, by their position in the draft, as this run shows it.

use super::super::MAX;

/// Rounds after which what was seen counts by a factor of e less.
const WINDOW: f64 = 64.0;
/// The same for what tells that the text has changed.
const SHORT: f64 = 8.0;
/// Deviations from what is expected, in the short window, that are a change.
const CHANGED: f64 = 3.0;
/// The prior is forgotten down to this weight.
const LEAST: f64 = 2.0;
/// Of drafts of which nothing is known.
const UNKNOWN: f64 = 0.7;
/// Weight of that, rounds.
const UNKNOWN_WEIGHT: f64 = 4.0;

/// Rounds that reached a position, and those in which its draft stood, both forgotten in time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    reached: f64,
    stood: f64,
}

impl Counts {
    fn keep(&mut self, share: f64) {
        self.reached *= share;
        self.stood *= share;
    }

    fn add(&mut self, stood: bool) {
        self.reached += 1.0;
        self.stood += f64::from(u8::from(stood));
    }
}

/// The probability that a draft stands if all before it do: for each position that of a Beta distribution, whose prior is the
/// position before it, changed as the prior's curve changes from there to here.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Acceptance {
    /// Conditional, by position.
    prior: Vec<f64>,
    weight: f64,
    long: [Counts; MAX],
    short: [Counts; MAX],
}

/// Expected tokens of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tokens {
    /// Mean.
    pub mean: f64,
    /// Standard deviation of that mean, by what is known.
    pub deviation: f64,
    /// Probability that all drafts stand.
    pub all: f64,
}

impl Acceptance {
    /// `survival` and `weight` as in [`super::Prior`].
    pub(super) fn new(survival: &[f64], weight: f64) -> Self {
        let mut before = 1.0;
        let mut prior: Vec<f64> = vec![];
        for share in survival.iter().take(MAX) {
            let last = prior.last().copied().unwrap_or(UNKNOWN);
            let here = if before > 0.0 { share / before } else { last };
            prior.push(here.clamp(0.0, 1.0));
            before = *share;
        }
        let weight = match prior.is_empty() {
            true => UNKNOWN_WEIGHT,
            false => weight,
        };
        Self {
            prior,
            weight,
            long: [Counts::default(); MAX],
            short: [Counts::default(); MAX],
        }
    }

    /// Means and weights of the positions in turn.
    fn positions(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let believed = |i: usize| {
            let last = self.prior.last().copied().unwrap_or(UNKNOWN);
            self.prior.get(i).copied().unwrap_or(last)
        };
        let mut before: Option<f64> = None;
        self.long.iter().enumerate().map(move |(i, seen)| {
            let start = match before {
                None => believed(i),
                Some(mean) => shifted(mean, believed(i.saturating_sub(1)), believed(i)),
            };
            let weight = self.weight + seen.reached;
            let mean = (self.weight * start + seen.stood) / weight;
            before = Some(mean);
            (mean, weight)
        })
    }

    /// Probability that the first draft stands.
    pub(super) fn first(&self) -> f64 {
        self.positions().next().map_or(UNKNOWN, |(mean, _)| mean)
    }

    /// Of a round of `drafts` drafts; with `bonus` a token more follows if all stand.
    pub(super) fn tokens(&self, drafts: usize, bonus: bool) -> Tokens {
        let mut survival = [0.0; MAX];
        let mut variance = [0.0; MAX];
        let (mut share, mut mean) = (1.0, 1.0);
        let places = survival.iter_mut().zip(variance.iter_mut());
        for ((p, weight), (s, v)) in self.positions().zip(places).take(drafts) {
            share *= p;
            (*s, mean) = (share, mean + share);
            // of the mean at this position, relative to its square
            *v = (1.0 - p) / (p.max(1e-6) * (weight + 1.0));
        }
        let last = drafts.checked_sub(1).and_then(|i| survival.get(i));
        let all = last.copied().unwrap_or(1.0);
        let lost = if bonus || drafts == 0 { 0.0 } else { all };
        let (mut behind, mut sum) = (-lost, 0.0);
        let places = survival.iter().zip(&variance).take(drafts);
        for (s, v) in places.rev() {
            behind += s;
            sum += behind * behind * v;
        }
        Tokens {
            mean: mean - lost,
            deviation: sum.sqrt(),
            all,
        }
    }

    /// Takes in a round of at least one draft.
    pub(super) fn observe(&mut self, drafted: usize, stood: usize) {
        let expected: [f64; MAX] = {
            let mut means = [0.0; MAX];
            for (to, (mean, _)) in means.iter_mut().zip(self.positions()) {
                *to = mean;
            }
            means
        };
        self.forget();
        for short in &mut self.short {
            short.keep(1.0 - 1.0 / SHORT);
        }
        let mut changed = false;
        let seen = self.long.iter_mut().zip(self.short.iter_mut());
        let reached = drafted.min(stood + 1);
        for (i, ((long, short), p)) in seen.zip(expected).enumerate().take(reached) {
            long.add(i < stood);
            short.add(i < stood);
            let deviation = (short.reached * p * (1.0 - p) + 0.25).sqrt();
            changed |= (short.stood - short.reached * p).abs() > CHANGED * deviation;
        }
        if changed {
            self.long = self.short;
            self.weight = self.weight.min(LEAST);
        }
    }

    fn forget(&mut self) {
        let keep = 1.0 - 1.0 / WINDOW;
        for long in &mut self.long {
            long.keep(keep);
        }
        self.weight = (self.weight * keep).max(LEAST.min(self.weight));
    }

    /// What was seen counts no more than `rounds` rounds from now on.
    pub(super) fn doubt(&mut self, rounds: f64) {
        for seen in [&mut self.long, &mut self.short] {
            for counts in seen.iter_mut() {
                if counts.reached > rounds {
                    let share = rounds / counts.reached;
                    counts.keep(share);
                }
            }
        }
    }

    /// Makes what is expected now the prior, worth `rounds` rounds.
    pub(super) fn settle(&mut self, rounds: f64) {
        let now: Vec<f64> = self.positions().map(|(mean, _)| mean).collect();
        self.prior = now;
        self.weight = rounds;
        self.long = [Counts::default(); MAX];
        self.short = [Counts::default(); MAX];
    }
}

/// `mean`, with its odds changed as from `from` to `to`.
fn shifted(mean: f64, from: f64, to: f64) -> f64 {
    if (from - to).abs() < 1e-9 {
        return mean;
    }
    let odds = |p: f64| {
        let p = p.clamp(1e-3, 1.0 - 1e-3);
        p / (1.0 - p)
    };
    let new = odds(mean) * odds(to) / odds(from);
    new / (1.0 + new)
}

#[cfg(test)]
#[path = "tests/acceptance.rs"]
mod tests;
