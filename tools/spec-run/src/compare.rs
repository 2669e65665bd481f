//! The same prompt with drafts and without, in turns.

use crate::error::RunError;
use crate::generation::{Ended, Run};
use serde::Serialize;

/// One of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With drafts.
    Speculative,
    /// Plain decoding of the target.
    Plain,
}

/// Measurements, in turns.
#[derive(Debug)]
pub struct Comparison {
    /// Pairs of runs that ended by themselves.
    pub pairs: Vec<Pair>,
    /// The run with drafts that is shown: the last one.
    pub shown: Run,
    /// Whether somebody ended it before all pairs were there.
    pub ended_early: Option<Ended>,
}

/// Speeds of two runs, in tokens a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// With drafts.
    pub speculative: f64,
    /// Without.
    pub plain: f64,
}

/// What the pairs say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Median tokens a second with drafts.
    pub speculative_tokens_per_second: f64,
    /// Median tokens a second of plain decoding.
    pub plain_tokens_per_second: f64,
    /// The first divided by the second.
    pub speed_up: f64,
    /// Smallest speed-up of a pair.
    pub lowest: f64,
    /// Largest speed-up of a pair.
    pub highest: f64,
    /// In a sentence.
    pub verdict: String,
}

/// Runs both ways in turns: once each to warm up, then `pairs` times, the first of a pair being the second of the next. `run` generates
/// (with a few tokens only if its second argument is true).
///
/// # Errors
/// A run fails. With `greedy`, the tokens of two runs differ.
pub fn compare(
    pairs: usize,
    greedy: bool,
    mut run: impl FnMut(Way, bool) -> Result<Run, RunError>,
) -> Result<Comparison, RunError> {
    let stopped = |run: &Run| match run.ended {
        Ended::Finished(_) => None,
        ended => Some(ended),
    };
    for way in [Way::Plain, Way::Speculative] {
        let warm = run(way, true)?;
        if let Some(ended) = stopped(&warm) {
            return Ok(Comparison {
                pairs: vec![],
                shown: warm,
                ended_early: Some(ended),
            });
        }
    }
    let mut done = vec![];
    let mut shown: Option<Run> = None;
    for i in 0..pairs.max(1) {
        let order = match i % 2 {
            0 => [Way::Speculative, Way::Plain],
            _ => [Way::Plain, Way::Speculative],
        };
        let (mut speculative, mut plain) = (None, None);
        for way in order {
            let run = run(way, false)?;
            if let Some(ended) = stopped(&run) {
                return Ok(Comparison {
                    pairs: done,
                    shown: shown.unwrap_or(run),
                    ended_early: Some(ended),
                });
            }
            match way {
                Way::Speculative => speculative = Some(run),
                Way::Plain => plain = Some(run),
            }
        }
        let (Some(speculative), Some(plain)) = (speculative, plain) else {
            break;
        };
        if greedy {
            same(&speculative.tokens, &plain.tokens)?;
        }
        done.push(Pair {
            speculative: speculative.stats.tokens_per_second(),
            plain: plain.stats.tokens_per_second(),
        });
        shown = Some(speculative);
    }
    let shown = match shown {
        Some(run) => run,
        None => run(Way::Speculative, false)?,
    };
    Ok(Comparison {
        pairs: done,
        shown,
        ended_early: None,
    })
}

/// # Errors
/// The tokens differ.
fn same(speculative: &[u32], plain: &[u32]) -> Result<(), RunError> {
    if speculative == plain {
        return Ok(());
    }
    let at = speculative
        .iter()
        .zip(plain)
        .take_while(|(a, b)| a == b)
        .count();
    let token = |tokens: &[u32]| {
        tokens
            .get(at)
            .map_or_else(|| "the end".to_owned(), u32::to_string)
    };
    Err(RunError::Differ {
        at,
        speculative: token(speculative),
        plain: token(plain),
    })
}

/// Medians, speed-up and verdict. None: there are no pairs, or nothing was generated. `predicted`: the speed-up that the plan promises
/// for this way of decoding.
pub fn summary(pairs: &[Pair], predicted: Option<f64>) -> Option<Summary> {
    let speculative = median(pairs.iter().map(|p| p.speculative))?;
    let plain = median(pairs.iter().map(|p| p.plain))?;
    if pairs
        .iter()
        .any(|p| !(p.plain > 0.0 && p.speculative > 0.0))
    {
        return None;
    }
    let speed_up = speculative / plain;
    let each = || pairs.iter().map(|p| p.speculative / p.plain);
    let lowest = each().fold(f64::INFINITY, f64::min);
    let highest = each().fold(0.0, f64::max);
    let found = if lowest > 1.0 {
        format!("speculation pays here: {speed_up:.2} times as fast as plain decoding")
    } else if highest < 1.0 {
        format!("speculation does not pay here: {speed_up:.2} times as fast as plain decoding")
    } else {
        format!(
            "no clear difference here: pairs of runs are {lowest:.2} to {highest:.2} times as fast as plain decoding"
        )
    };
    let promise = predicted.map_or_else(String::new, |p| {
        format!(
            ", and the plan predicted {p:.2} ({})",
            difference(p, speed_up)
        )
    });
    Some(Summary {
        speculative_tokens_per_second: speculative,
        plain_tokens_per_second: plain,
        speed_up,
        lowest,
        highest,
        verdict: found + &promise,
    })
}

/// By how many percent a prediction is above (positive) or below what was measured. None: nothing was measured.
pub fn error_percent(predicted: f64, measured: f64) -> Option<f64> {
    (measured > 0.0).then(|| (predicted / measured - 1.0) * 100.0)
}

/// The same in words.
pub fn difference(predicted: f64, measured: f64) -> String {
    match error_percent(predicted, measured) {
        None => "nothing was measured".into(),
        Some(error) if error.abs() < 0.05 => "right to 0.1 %".into(),
        Some(error) if error > 0.0 => format!("{error:.1} % too high"),
        Some(error) => format!("{:.1} % too low", -error),
    }
}

/// The middle, or the mean of the two in the middle. None of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    let low = *values.get(middle)?;
    let high = *values.get(values.len() / 2)?;
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::{Watch, generate};
    use crate::toy::{pair, settings};

    fn compared(
        broken: bool,
        interrupt_at: usize,
        pairs: usize,
    ) -> (Result<Comparison, RunError>, Vec<(Way, bool)>) {
        let (mut generator, mut calls) = (pair(true, broken), vec![]);
        let result = compare(pairs, true, |way, warm| {
            calls.push((way, warm));
            let drafts = if way == Way::Plain { 0 } else { 4 };
            let settings = settings(if warm { 4 } else { 24 }, drafts);
            let stop = calls.len() > interrupt_at;
            let watch = Watch {
                sink: &mut |_| Ok(true),
                interrupted: &|| stop,
                meter: None,
                trace: None,
            };
            generate(&mut generator, &[1, 2], &settings, watch)
        });
        (result, calls)
    }

    #[test]
    fn pairs_take_turns_after_warming_up() {
        let (result, calls) = compared(false, usize::MAX, 3);
        let comparison = result.unwrap();
        use Way::{Plain as P, Speculative as S};
        let expected = [
            (P, true),
            (S, true),
            (S, false),
            (P, false),
            (P, false),
            (S, false),
            (S, false),
            (P, false),
        ];
        assert_eq!(calls, expected);
        assert_eq!(
            (comparison.pairs.len(), comparison.shown.tokens.len()),
            (3, 24)
        );
        let s = summary(&comparison.pairs, Some(2.0)).unwrap();
        assert!(
            s.speed_up > 1.0,
            "4 drafts of 50 us for a call of 400 us: {s:?}"
        );
        assert!(
            s.verdict.starts_with("speculation pays here: "),
            "{}",
            s.verdict
        );
    }

    #[test]
    fn other_tokens_are_an_error_with_a_code_of_its_own() {
        let error = compared(true, usize::MAX, 1).0.unwrap_err();
        let RunError::Differ { at, .. } = error else {
            panic!("{error}");
        };
        // the toy errs behind position 12, and the prompt has 2 tokens
        assert!((11..20).contains(&at), "{at}");
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn what_is_interrupted_keeps_the_pairs_that_are_whole() {
        let comparison = compared(false, 5, 3).0.unwrap();
        assert_eq!(
            (comparison.pairs.len(), comparison.ended_early),
            (1, Some(Ended::Interrupted))
        );
        assert_eq!(
            comparison.shown.tokens.len(),
            24,
            "the one that is whole is shown"
        );
        let comparison = compared(false, 0, 3).0.unwrap();
        assert_eq!(
            (comparison.pairs.len(), comparison.shown.tokens.len()),
            (0, 0)
        );
        assert_eq!(summary(&comparison.pairs, None), None);
    }

    #[test]
    fn ends_differ_too() {
        let text = |a: &[u32], b: &[u32]| same(a, b).unwrap_err().to_string();
        assert!(text(&[1, 2], &[1, 2, 3]).contains("at index 2: the end with drafts, 3 without"));
        assert!(text(&[1, 5], &[1, 2]).contains("at index 1: 5 with drafts, 2 without"));
    }

    #[test]
    fn medians_and_verdicts() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        let pairs = |ratios: &[f64]| -> Vec<Pair> {
            let pair = |r: &f64| Pair {
                speculative: 10.0 * r,
                plain: 10.0,
            };
            ratios.iter().map(pair).collect()
        };
        let verdict =
            |ratios: &[f64], predicted| summary(&pairs(ratios), predicted).unwrap().verdict;
        assert_eq!(
            verdict(&[1.5, 1.6, 1.7], Some(2.0)),
            "speculation pays here: 1.60 times as fast as plain decoding, and the plan predicted 2.00 (25.0 % too high)"
        );
        assert_eq!(
            verdict(&[0.8, 0.7], None),
            "speculation does not pay here: 0.75 times as fast as plain decoding"
        );
        assert!(
            verdict(&[0.9, 1.2], Some(1.0))
                .starts_with("no clear difference here: pairs of runs are 0.90 to 1.20")
        );
        assert_eq!(
            summary(
                &[Pair {
                    speculative: 0.0,
                    plain: 0.0
                }],
                None
            ),
            None
        );
        assert_eq!(difference(1.0, 2.0), "50.0 % too low");
        assert_eq!(
            (error_percent(3.0, 2.0), error_percent(1.0, 0.0)),
            (Some(50.0), None)
        );
    }
}
