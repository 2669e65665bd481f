//! Where the time of the rounds went.

use spec_runtime::stats::{Lane, RoundStats, Span};
use std::time::Duration;

/// Wall time of all rounds, by what it was for. The parts add up to the total: of what ran at the same time, the verification counts,
/// and the drafts beside it do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Runs of the drafter while nothing else ran.
    pub draft: Duration,
    /// Runs of the target.
    pub verify: Duration,
    /// Writing inputs and copying logits.
    pub handoff: Duration,
    /// Distributions, sampling and acceptance.
    pub sampling: Duration,
    /// The rest.
    pub other: Duration,
    /// All of it.
    pub total: Duration,
    /// The drafter beside the target, in overlapped rounds: a part of no other time here.
    pub beside: Duration,
}

impl Times {
    /// Takes in a round.
    pub fn add(&mut self, round: &RoundStats) {
        let beside = beside(&round.spans);
        let draft = round.draft.saturating_sub(beside);
        let of_handoff = beside.saturating_sub(round.draft);
        let handoff = round.handoff.saturating_sub(of_handoff);
        // clocks are read at different places: no part may make the sum more than the total
        let mut left = round.total;
        let mut take = |part: Duration| {
            let part = part.min(left);
            left -= part;
            part
        };
        self.verify += take(round.verify);
        self.draft += take(draft);
        self.handoff += take(handoff);
        self.sampling += take(round.sampling);
        self.other += left;
        self.total += round.total;
        self.beside += beside;
    }

    /// The parts together: the total.
    #[cfg(test)]
    pub fn sum(&self) -> Duration {
        self.draft + self.verify + self.handoff + self.sampling + self.other
    }

    /// Fraction of the total in which no model ran, 0 to 1; 0 of nothing.
    pub fn outside(&self) -> f64 {
        self.fraction(self.handoff + self.sampling + self.other)
    }

    /// Fraction of the total, 0 to 1; 0 of nothing.
    pub fn fraction(&self, part: Duration) -> f64 {
        match self.total.is_zero() {
            true => 0.0,
            false => part.as_secs_f64() / self.total.as_secs_f64(),
        }
    }
}

/// For how long the drafter was busy while another lane was.
fn beside(spans: &[Span]) -> Duration {
    let (drafter, others): (Vec<&Span>, Vec<&Span>) =
        spans.iter().partition(|s| s.lane == Lane::Drafter);
    let common = |a: &Span, b: &Span| a.to.min(b.to).saturating_sub(a.from.max(b.from));
    let pairs = drafter
        .iter()
        .flat_map(|d| others.iter().map(move |o| common(d, o)));
    pairs.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn span(lane: Lane, from: u64, to: u64) -> Span {
        let (from, to) = (ms(from), ms(to));
        Span { lane, from, to }
    }

    #[test]
    fn parts_of_a_sequential_round_add_up() {
        let mut times = Times::default();
        let round = RoundStats {
            total: ms(20),
            draft: ms(6),
            verify: ms(10),
            handoff: ms(1),
            sampling: ms(2),
            spans: vec![
                span(Lane::Drafter, 0, 7),
                span(Lane::Target, 7, 17),
                span(Lane::Host, 17, 19),
            ],
            ..RoundStats::default()
        };
        times.add(&round);
        times.add(&round);
        assert_eq!(
            (times.draft, times.other, times.beside),
            (ms(12), ms(2), ms(0))
        );
        assert_eq!((times.sum(), times.total), (ms(40), ms(40)));
        assert!((times.outside() - 0.2).abs() < 1e-12);
    }

    /// The drafter runs for 8 ms of the target's 10 and has 2 more after it, of which 1 is hand-off.
    #[test]
    fn what_runs_beside_the_target_is_not_counted_twice() {
        let mut times = Times::default();
        times.add(&RoundStats {
            total: ms(14),
            draft: ms(9),
            verify: ms(10),
            handoff: ms(2),
            sampling: ms(1),
            spans: vec![
                span(Lane::Drafter, 2, 12),
                span(Lane::Target, 0, 10),
                span(Lane::Host, 13, 14),
            ],
            ..RoundStats::default()
        });
        assert_eq!(
            (times.beside, times.draft, times.verify),
            (ms(8), ms(1), ms(10))
        );
        assert_eq!(
            (times.handoff, times.sampling, times.other),
            (ms(2), ms(1), ms(0))
        );
        assert_eq!(times.sum(), times.total);
    }

    #[test]
    fn nothing_is_a_fraction_of_nothing() {
        assert_eq!(Times::default().outside(), 0.0);
    }
}
