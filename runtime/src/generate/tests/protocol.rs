//! Which calls a round makes, and what is measured.

use super::*;
use crate::toy::Call;
use std::time::Duration;

fn call(position: usize, tokens: usize, rows: usize) -> Call {
    Call {
        position,
        tokens,
        rows,
    }
}

/// Calls of the drafter and of the target, for a prompt of 5 and 3 drafts a round.
fn calls(agreement: f64, schedule: Schedule, tokens: usize) -> [Vec<Call>; 2] {
    let (target, drafter) = (toy(100), toy(100).agreeing(agreement));
    let logs = [drafter.calls(), target.calls()];
    let mut pair = generator(target, drafter);
    let settings = settings(tokens, Drafting::Fixed(3), schedule);
    generate(&mut pair, &[1, 2, 3, 4, 5], &settings);
    logs.map(|log| log.lock().unwrap().clone())
}

/// All stand: the last draft, which the drafter lacks, is fed with the next round's first token.
#[test]
fn sequential_rounds_join_the_catch_up() {
    let [drafter, target] = calls(1.0, Schedule::Sequential, 8);
    let fed = call(0, 4, 0);
    assert_eq!(target, [fed, call(4, 4, 4), call(8, 4, 4)]);
    let first = [call(4, 1, 1), call(5, 1, 1), call(6, 1, 1)];
    let second = [call(7, 2, 1), call(9, 1, 1), call(10, 1, 1)];
    assert_eq!(drafter, [&[fed][..], &first, &second].concat());
}

/// None stands: every round is at the next position, and the drafter is never behind.
#[test]
fn missed_drafts_are_written_over() {
    let [drafter, target] = calls(0.0, Schedule::Sequential, 5);
    // Some drafts may stand by chance; none does here.
    let positions: Vec<usize> = target.iter().map(|c| c.position).collect();
    assert_eq!(positions, [0, 4, 5, 6, 7, 8]);
    let drafts: Vec<(usize, usize)> = drafter.iter().map(|c| (c.position, c.tokens)).collect();
    let expected = [
        (0, 4),
        (4, 1),
        (5, 1),
        (6, 1),
        (5, 1),
        (6, 1),
        (7, 1),
        (6, 1),
        (7, 1),
        (7, 1),
    ];
    assert_eq!(drafts, expected); // 3, 3, 2, 1 and 0 drafts: no more than can be emitted
}

/// 3 drafts, verified in 3 rows while the drafter goes on behind them; at the end a round with a bonus.
#[test]
fn overlapped_rounds_draft_ahead() {
    let [drafter, target] = calls(1.0, Schedule::Overlapped, 10);
    assert_eq!(
        target,
        [call(0, 4, 0), call(4, 3, 3), call(7, 3, 3), call(10, 4, 4)]
    );
    let singles = (4..13).map(|position| call(position, 1, 1));
    let expected: Vec<Call> = [call(0, 4, 0)].into_iter().chain(singles).collect();
    assert_eq!(drafter, expected);
}

/// The sums are those of the rounds, the positions those of the rule, and spans lie in their rounds.
#[test]
fn what_is_measured_adds_up() {
    let delay = Duration::from_millis(1);
    for schedule in SCHEDULES {
        let (target, drafter) = (toy(100), toy(100).agreeing(0.7));
        let mut pair = generator(target.delay(delay), drafter.delay(delay));
        let settings = settings(50, Drafting::Fixed(3), schedule);
        let (tokens, _) = generate(&mut pair, &[1, 2, 3, 4, 5], &settings);
        let stats = pair.stats();
        assert_eq!((stats.prompt_tokens, stats.tokens), (5, tokens.len()));
        assert_eq!(stats.round_count, stats.rounds.len());
        assert!(stats.prefill >= delay);
        let sum = |f: fn(&RoundStats) -> Duration| stats.rounds.iter().map(f).sum::<Duration>();
        assert_eq!(stats.decode, sum(|r| r.total));
        assert_eq!(
            (stats.sum.draft, stats.sum.verify),
            (sum(|r| r.draft), sum(|r| r.verify))
        );
        assert!(stats.sum.verify >= delay * stats.round_count as u32);
        let mut positions = vec![(0_u64, 0_u64); 3];
        for round in &stats.rounds {
            let reached = round.drafted.min(round.accepted + 1);
            for (i, position) in positions.iter_mut().take(reached).enumerate() {
                *position = (position.0 + 1, position.1 + u64::from(i < round.accepted));
            }
            assert!(round.accepted <= round.drafted);
            let end = round.start + round.total;
            assert!(
                round
                    .spans
                    .iter()
                    .all(|s| round.start <= s.from && s.from <= s.to && s.to <= end)
            );
            let order = |a: &Span, b: &Span| (a.lane, a.from) <= (b.lane, b.from);
            assert!(round.spans.is_sorted_by(order));
        }
        let got: Vec<(u64, u64)> = stats
            .acceptance_by_position()
            .iter()
            .map(|p| (p.reached, p.accepted))
            .collect();
        assert_eq!(got, positions);
        let rate = stats.acceptance_rate().unwrap();
        assert!(rate > 0.4 && rate < 0.95, "{rate}");
        assert!((stats.tokens_per_round() - 50.0 / stats.round_count as f64).abs() < 1e-9);
        let both = stats
            .rounds
            .iter()
            .filter(|round| both_at_once(round))
            .count();
        match schedule {
            Schedule::Sequential => assert_eq!((both, stats.sum.discarded), (0, 0)),
            Schedule::Overlapped => {
                assert!(both > 0); // most of them, on a machine with nothing else to do
                assert!(stats.sum.discarded > 0);
            }
        }
    }
}

fn both_at_once(round: &RoundStats) -> bool {
    let lane = |lane| round.spans.iter().filter(move |s| s.lane == lane);
    lane(Lane::Drafter).any(|d| lane(Lane::Target).any(|t| d.from < t.to && t.from < d.to))
}

/// A drafter that is always right stops exactly where 1 - sqrt(kappa H) of its own softmax first falls below lambda.
#[test]
fn entropy_sets_the_length() {
    const MAX: usize = 5;
    let mut seen = [0; MAX + 1];
    for (lambda, sharpness) in [(0.0, 2.0), (0.4, 3.0), (0.5, 8.0), (0.8, 60.0), (1.0, 2.0)] {
        let model = || toy(300).sharpness(sharpness);
        let mut pair = generator(model(), model());
        let (max, kappa) = (MAX, 0.3);
        let drafting = Drafting::Entropy { max, kappa, lambda };
        let settings = settings(200, drafting, Schedule::Sequential);
        let mut all = vec![1];
        all.extend(generate(&mut pair, &[1], &settings).0);
        let mut length = 1;
        for round in &pair.stats().rounds {
            let stops = |at: usize| {
                let p = softmax(&model().logits_after(&all[..at]));
                let entropy: f64 = p.iter().map(|p| -p * p.ln()).sum();
                1.0 - (kappa * entropy).sqrt() < lambda
            };
            let most = MAX.min(200 - length);
            let expected = (1..most).find(|n| stops(length + n - 1)).unwrap_or(most);
            assert_eq!(round.drafted, expected, "{lambda} {sharpness} at {length}");
            seen[expected] += 1;
            length += round.emitted;
        }
    }
    assert!(seen[1..].iter().all(|n| *n > 5), "{seen:?}");
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let weights: Vec<f64> = logits.iter().map(|x| f64::from(*x).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| (w / total).max(1e-300)).collect()
}

#[test]
fn the_heuristic_goes_up_and_down() {
    for schedule in SCHEDULES {
        for (agreement, end) in [(1.0, 6), (0.0, 1)] {
            let mut pair = generator(toy(300), toy(300).agreeing(agreement));
            let drafting = Drafting::Heuristic { first: 3, max: 6 };
            generate(&mut pair, &[1], &settings(200, drafting, schedule));
            let rounds = &pair.stats().rounds;
            assert_eq!(rounds[0].drafted, 3);
            let most = rounds.iter().filter(|r| r.drafted == end).count();
            assert!(2 * most > rounds.len(), "{schedule:?} {agreement}");
        }
    }
}
