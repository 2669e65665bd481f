//! Random rounds against the target's exact joint distribution of the first three tokens.

use super::verify::planted::{BUG, Bug};
use super::*;

const TOKENS: usize = 4;
const SEEDS: u64 = 20_000;
const PROMPT: [u32; 3] = [1, 3, 0];

fn target() -> Toy {
    Toy::new(9, TOKENS, 32)
}

fn all(temperature: f32) -> Sampling {
    let (top_k, top_p) = (0, 1.0);
    Sampling::Random {
        temperature,
        top_k,
        top_p,
    }
}

/// The probability of each triple, by the definition.
fn exact(sampling: &Sampling) -> Vec<f64> {
    let after = |tokens: &[u32]| {
        let tokens = [&PROMPT, tokens].concat();
        sampling
            .distribution(&target().logits_after(&tokens))
            .unwrap()
    };
    let mut joint = vec![];
    let first = after(&[]);
    for (a, pa) in first.iter().enumerate() {
        let second = after(&[a as u32]);
        for (b, pb) in second.iter().enumerate() {
            let third = after(&[a as u32, b as u32]);
            let before = f64::from(*pa) * f64::from(*pb);
            joint.extend(third.iter().map(|pc| before * f64::from(*pc)));
        }
    }
    joint
}

/// How often each triple comes, over all seeds.
fn counts(drafting: &Drafting, schedule: Schedule, sampling: Sampling, agreement: f64) -> Vec<u64> {
    let mut pair = generator(target(), target().agreeing(agreement));
    let mut counts = vec![0; TOKENS * TOKENS * TOKENS];
    for seed in 0..SEEDS {
        let settings = Settings {
            sampling,
            seed,
            ..settings(tokens(drafting), drafting.clone(), schedule)
        };
        pair.start(&PROMPT, &settings).unwrap();
        let (mut cell, mut seen) = (0, 0);
        while seen < 3 {
            for token in pair.round().unwrap().tokens.iter().take(3 - seen) {
                cell = cell * TOKENS + *token as usize;
                seen += 1;
            }
        }
        counts[cell] += 1;
    }
    counts
}

/// Chi-square and the least value that one in a million correct samplers exceeds (Wilson and Hilferty's approximation). Cells with
/// fewer than 5 expected are one; what cannot be must not be.
fn chi_square(counts: &[u64], p: &[f64]) -> (f64, f64) {
    let n: u64 = counts.iter().sum();
    let (mut statistic, mut cells, mut rest) = (0.0, 0, (0.0, 0.0));
    let mut add = |count: f64, expected: f64| {
        statistic += (count - expected).powi(2) / expected;
        cells += 1;
    };
    for (count, p) in counts.iter().zip(p) {
        let (count, expected) = (*count as f64, *p * n as f64);
        if expected == 0.0 && count > 0.0 {
            return (f64::INFINITY, 0.0);
        }
        if expected < 5.0 {
            rest = (rest.0 + count, rest.1 + expected);
        } else {
            add(count, expected);
        }
    }
    if rest.1 > 0.0 {
        add(rest.0, rest.1.max(1.0));
    }
    let freedom = f64::from(cells - 1);
    let spread = 2.0 / (9.0 * freedom);
    let critical = freedom * (1.0 - spread + 4.753 * spread.sqrt()).powi(3);
    (statistic, critical)
}

/// Choosing by goodput measures plain decoding first where much is still to come, so that the first tokens would have no drafts.
fn tokens(drafting: &Drafting) -> usize {
    match drafting {
        Drafting::Goodput(_) => 10,
        _ => 12,
    }
}

fn assert_lossless(drafting: Drafting, schedule: Schedule, sampling: Sampling) {
    let p = exact(&sampling);
    assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    let (statistic, critical) = chi_square(&counts(&drafting, schedule, sampling, 0.5), &p);
    assert!(
        statistic < critical,
        "{drafting:?} {schedule:?} {sampling:?}: {statistic:.1} > {critical:.1}"
    );
}

fn samplings() -> [Sampling; 4] {
    let cut = |temperature, top_k, top_p| Sampling::Random {
        temperature,
        top_k,
        top_p,
    };
    [
        all(1.0),
        cut(0.6, 3, 1.0),
        cut(1.3, 0, 0.8),
        cut(0.9, 3, 0.85),
    ]
}

#[test]
fn plain_sampling_is_the_targets() {
    for sampling in samplings() {
        assert_lossless(Drafting::Fixed(0), Schedule::Sequential, sampling);
    }
}

#[test]
fn sequential_rounds_are_lossless() {
    for sampling in samplings() {
        for length in [1, 2, 3, 7] {
            assert_lossless(Drafting::Fixed(length), Schedule::Sequential, sampling);
        }
    }
}

#[test]
fn overlapped_rounds_are_lossless() {
    for (sampling, lengths) in samplings()
        .into_iter()
        .zip([&[1, 2, 3][..], &[2], &[2], &[1, 4]])
    {
        for length in lengths {
            assert_lossless(Drafting::Fixed(*length), Schedule::Overlapped, sampling);
        }
    }
}

/// The length may depend on what was drafted before, and on what was accepted.
#[test]
fn varying_lengths_are_lossless() {
    let (max, kappa, lambda) = (4, 0.2, 0.5);
    for schedule in SCHEDULES {
        assert_lossless(Drafting::Heuristic { first: 1, max: 5 }, schedule, all(1.0));
        assert_lossless(Drafting::Entropy { max, kappa, lambda }, schedule, all(0.8));
        for goodput in [Goodput::new(5), told(4)] {
            assert_lossless(Drafting::Goodput(goodput), schedule, all(1.0));
        }
    }
}

/// What the tests above would say of wrong rules.
#[test]
fn planted_bugs_are_found() {
    let p = exact(&all(1.0));
    for schedule in SCHEDULES {
        for bug in [
            Bug::AcceptAlways,
            Bug::ResidualIsTarget,
            Bug::EvenDrafter,
            Bug::OneUniform,
        ] {
            BUG.set(bug);
            let counts = counts(&Drafting::Fixed(2), schedule, all(1.0), 0.5);
            BUG.set(Bug::None);
            let (statistic, critical) = chi_square(&counts, &p);
            assert!(
                statistic > 2.0 * critical,
                "{bug:?} {schedule:?} passes with {statistic:.1}, {critical:.1} allowed"
            );
        }
    }
}

/// The statistic itself: a die that is even, and one whose 6 comes 2 % more often.
#[test]
fn chi_square_tells_a_loaded_die() {
    let p = [1.0 / 6.0; 6];
    let even = [16_600, 16_700, 16_650, 16_720, 16_610, 16_720];
    let (statistic, critical) = chi_square(&even, &p);
    // Exactly 35.888 for 5 degrees of freedom and 1e-6: the approximation is on the safe side, the more so the fewer.
    assert!(statistic < 1.0 && critical > 35.888 && critical < 1.05 * 35.888);
    let loaded = [16_300, 16_300, 16_300, 16_300, 16_300, 18_500];
    assert!(chi_square(&loaded, &p).0 > critical);
    assert_eq!(chi_square(&[1, 1], &[1.0, 0.0]).0, f64::INFINITY);
}
