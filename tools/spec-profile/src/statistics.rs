//! Medians and spreads of repeated measurements, and the order in which to take them.
//!
//! A machine drifts: its clock, its temperature, its neighbours. Cells that are compared are therefore measured in turns, one
//! repetition of each a round, so that drift hits all alike.

use serde::Serialize;
use std::time::{Duration, Instant};

/// What many repetitions of one measurement say.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// Half the interquartile range.
    pub spread: f64,
    /// The least.
    pub least: f64,
    /// Number of repetitions.
    pub count: usize,
}

impl Summary {
    /// Of `samples`, in any order; `None` if there are none or one is not finite.
    pub fn of(samples: &[f64]) -> Option<Self> {
        if samples.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            spread: 0.5 * (quantile(&sorted, 0.75)? - quantile(&sorted, 0.25)?),
            least: *sorted.first()?,
            count: sorted.len(),
        })
    }

    /// The spread relative to the median.
    pub fn relative_spread(&self) -> f64 {
        self.spread / self.median
    }
}

/// The quantile `q` (0 to 1) of sorted numbers, linear between neighbours. `None` if there are none.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    let (a, b) = (*sorted.get(low)?, *sorted.get(high)?);
    Some(a + (b - a) * (at - low as f64))
}

/// The median of numbers in any order; `None` if there are none.
pub fn median(samples: &[f64]) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Time for all rounds after the warm-up.
    pub time: Duration,
    /// Rounds that are not counted.
    pub warm_up: usize,
    /// Rounds that are made even if the time is over.
    pub least: usize,
    /// Rounds at most.
    pub most: usize,
}

/// The cells of round `round`, each once: the first one moves on from round to round, and every other round goes backwards, so that
/// no cell always follows the same one.
pub fn order(cells: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cells).map(|i| (i + round) % cells).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// Measures `cells` cells in rounds: `run(cell)` makes one repetition and returns what it measured. Returns the repetitions of each cell.
///
/// # Errors
/// The first error of `run`.
pub fn interleave<T, E>(
    cells: usize,
    budget: &Budget,
    mut run: impl FnMut(usize) -> Result<T, E>,
) -> Result<Vec<Vec<T>>, E> {
    let mut samples: Vec<Vec<T>> = (0..cells).map(|_| Vec::new()).collect();
    if cells == 0 {
        return Ok(samples);
    }
    for round in 0..budget.warm_up {
        for cell in order(cells, round) {
            run(cell)?;
        }
    }
    let start = Instant::now();
    for round in 0..budget.most.max(budget.least) {
        if round >= budget.least && start.elapsed() >= budget.time {
            break;
        }
        for cell in order(cells, round) {
            let sample = run(cell)?;
            if let Some(list) = samples.get_mut(cell) {
                list.push(sample);
            }
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_linear_between_neighbours() {
        let s = Summary::of(&[4.0, 1.0, 3.0, 2.0]).expect("numbers");
        assert_eq!((s.median, s.spread, s.least, s.count), (2.5, 0.75, 1.0, 4));
        assert_eq!(Summary::of(&[7.0]).expect("one").spread, 0.0);
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
    }

    #[test]
    fn each_round_has_each_cell_once_in_another_order() {
        for round in 0..5 {
            let mut cells = order(4, round);
            assert_ne!(cells, order(4, round + 1));
            cells.sort_unstable();
            assert_eq!(cells, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn the_budget_bounds_the_rounds() {
        let budget = |time, least, most| Budget {
            time: Duration::from_millis(time),
            warm_up: 2,
            least,
            most,
        };
        let count = |b: &Budget| {
            let mut calls = 0;
            let samples = interleave(3, b, |cell| {
                calls += 1;
                Ok::<_, ()>(cell)
            });
            let samples = samples.expect("no error");
            assert!(
                samples
                    .iter()
                    .enumerate()
                    .all(|(i, s)| s.iter().all(|x| *x == i))
            );
            assert_eq!(calls, 3 * (2 + samples[0].len()));
            samples[0].len()
        };
        assert_eq!(
            count(&budget(0, 4, 9)),
            4,
            "the least, though the time is over"
        );
        assert_eq!(count(&budget(60_000, 4, 9)), 9, "no more than the most");
        let failed = interleave(
            2,
            &budget(0, 1, 1),
            |c| if c == 1 { Err("it") } else { Ok(c) },
        );
        assert_eq!(failed, Err("it"));
        let nothing = interleave(0, &budget(0, 1, 1), |_| Err::<(), _>("called"));
        assert_eq!(nothing, Ok(vec![]));
    }
}
