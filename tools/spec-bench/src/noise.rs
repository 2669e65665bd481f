//! Standard errors of ratios over prompts, by the bootstrap: prompts are drawn again, with replacement, as many of each task as there
//! are, and the spread of what comes out is that of another set of prompts of the same kinds.

use rand::rngs::ChaCha12Rng;
use rand::{RngExt as _, SeedableRng as _};

/// Sets of prompts that are drawn.
const DRAWS: usize = 1000;
/// Of the random numbers: results are the same on every run.
const SEED: u64 = 1;
/// Half the width of an interval of 95 %, in standard errors.
pub(crate) const WIDTH: f64 = 1.96;

/// The standard error of `statistic` over draws of prompts. `strata`: the task of each prompt, or whatever else tells apart what must
/// not be mixed. `statistic` is told how often each prompt was drawn; `None` from it leaves a draw out.
///
/// `None` if no stratum has two prompts, or more than half of the draws say nothing.
pub(crate) fn standard_error<S: Ord + Clone>(
    strata: &[S],
    statistic: impl Fn(&[u32]) -> Option<f64>,
) -> Option<f64> {
    let mut groups = std::collections::BTreeMap::<&S, Vec<usize>>::new();
    for (i, stratum) in strata.iter().enumerate() {
        groups.entry(stratum).or_default().push(i);
    }
    if groups.values().all(|g| g.len() < 2) {
        return None;
    }
    let mut random = ChaCha12Rng::seed_from_u64(SEED);
    let mut found = Vec::with_capacity(DRAWS);
    let mut times = vec![0_u32; strata.len()];
    for _ in 0..DRAWS {
        times.fill(0);
        for group in groups.values() {
            for _ in 0..group.len() {
                let drawn = group.get(random.random_range(0..group.len()));
                if let Some(count) = drawn.and_then(|i| times.get_mut(*i)) {
                    *count += 1;
                }
            }
        }
        found.extend(statistic(&times).filter(|x| x.is_finite()));
    }
    if found.len() < DRAWS / 2 {
        return None;
    }
    let count = found.len() as f64;
    let mean = found.iter().sum::<f64>() / count;
    let squares: f64 = found.iter().map(|x| (x - mean).powi(2)).sum();
    Some((squares / (count - 1.0)).sqrt())
}

/// The sum of `parts`, each as often as its prompt was drawn.
pub(crate) fn sum(parts: &[f64], times: &[u32]) -> f64 {
    parts
        .iter()
        .zip(times)
        .map(|(x, n)| x * f64::from(*n))
        .sum()
}

/// The quotient; `None` if nothing was counted.
pub(crate) fn quotient(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[u32]) -> Option<f64> {
        |times| {
            quotient(
                sum(values, times),
                times.iter().map(|n| f64::from(*n)).sum(),
            )
        }
    }

    #[test]
    fn the_mean_has_the_error_that_textbooks_give() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 20)).collect();
        let mean = values.iter().sum::<f64>() / 200.0;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let expected = (squares / 200.0 / 200.0).sqrt();
        let found = standard_error(&[0; 200], mean_of(&values)).expect("enough prompts");
        assert!((found / expected - 1.0).abs() < 0.1, "{found} {expected}");
        assert_eq!(
            standard_error(&[0; 200], mean_of(&values)),
            Some(found),
            "the same again"
        );
    }

    /// What differs between tasks only is no error: each task is drawn by itself.
    #[test]
    fn tasks_are_not_mixed() {
        let values: Vec<f64> = (0..100).map(|i| if i < 50 { 1.0 } else { 3.0 }).collect();
        let tasks: Vec<usize> = (0..100).map(|i| i / 50).collect();
        assert!(standard_error(&tasks, mean_of(&values)).is_some_and(|e| e < 1e-12));
        assert!(standard_error(&[0; 100], mean_of(&values)).is_some_and(|e| e > 0.05));
    }

    #[test]
    fn nothing_is_said_of_too_little() {
        assert_eq!(standard_error(&[0], mean_of(&[1.0])), None);
        assert_eq!(standard_error::<u8>(&[], mean_of(&[])), None);
        assert_eq!(standard_error(&[0, 0], |_| None), None);
    }
}
