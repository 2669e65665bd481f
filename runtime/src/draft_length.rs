//! How many drafts to make in the next round.
//!
//! A compiled round has a fixed draft length; these controllers choose among several compiled lengths, or stop a drafter
//! that is called token by token.

pub mod goodput;

use crate::accept::{AcceptError, Rows};

/// The longest draft that the `spec` dialect allows (C1 of `spec.round`).
pub const MAX: usize = 64;

/// A parameter is out of range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what} must be {range}, got {got}")]
pub struct ParameterError {
    what: &'static str,
    range: &'static str,
    got: f64,
}

/// Chooses draft lengths.
pub trait DraftLength {
    /// The number of drafts that the next round makes at most: 0 ..= [`MAX`].
    fn limit(&self) -> usize;

    /// Whether to stop after the draft whose distribution is row `row` of `q`, before the limit.
    ///
    /// # Errors
    /// [`AcceptError::NoRow`].
    fn stop(&self, _q: &Rows, _row: usize) -> Result<bool, AcceptError> {
        Ok(false)
    }

    /// Takes in the result of a round: `accepted` drafts of those that it made stand.
    fn observe(&mut self, _accepted: usize) {}
}

/// Always the same length: what the cost model chose for the mean acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Static(usize);

impl Static {
    /// `length` is 0 ..= [`MAX`].
    ///
    /// # Errors
    /// A longer draft.
    pub fn new(length: usize) -> Result<Self, ParameterError> {
        Ok(Self(at_most("the draft length", 0, length)?))
    }
}

impl DraftLength for Static {
    fn limit(&self) -> usize {
        self.0
    }
}

/// Two more after a round in which all drafts up to the limit stand, one less (but at least 1) after any other: the
/// `heuristic` schedule of assisted generation in Hugging Face transformers (`num_assistant_tokens_schedule`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heuristic {
    current: usize,
    max: usize,
}

impl Heuristic {
    /// Starts with `first` drafts and never makes more than `max`: 1 <= `first` <= `max` <= [`MAX`].
    ///
    /// # Errors
    /// Numbers outside of these bounds.
    pub fn new(first: usize, max: usize) -> Result<Self, ParameterError> {
        let max = at_most("the longest draft", 1, max)?;
        let current = at_most("the first draft length", 1, first)?;
        if current > max {
            let (what, range) = ("the first draft length", "at most the longest");
            return Err(ParameterError {
                what,
                range,
                got: first as f64,
            });
        }
        Ok(Self { current, max })
    }
}

impl DraftLength for Heuristic {
    fn limit(&self) -> usize {
        self.current
    }

    fn observe(&mut self, accepted: usize) {
        self.current = if accepted >= self.current {
            self.max.min(self.current + 2)
        } else {
            1.max(self.current - 1)
        };
    }
}

/// Stops when the drafter is unsure: at the first draft with 1 - sqrt(kappa H) < lambda, where H is the entropy in nats of
/// the distribution it was sampled from. The left side bounds the probability of acceptance from below (AdaEDL, arXiv
/// 2410.18351). `lambda` stays as given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaEdl {
    limit: usize,
    kappa: f64,
    lambda: f64,
}

impl AdaEdl {
    /// At most `limit` drafts, 1 ..= [`MAX`]; `kappa` > 0 (about 0.2); `lambda`, the least bound to go on at, is 0 ..= 1.
    ///
    /// # Errors
    /// Numbers outside of these bounds, or NaN.
    pub fn new(limit: usize, kappa: f64, lambda: f64) -> Result<Self, ParameterError> {
        let limit = at_most("the longest draft", 1, limit)?;
        if !(kappa.is_finite() && kappa > 0.0) {
            let (what, range) = ("kappa", "positive and finite");
            return Err(ParameterError {
                what,
                range,
                got: kappa,
            });
        }
        if !(0.0..=1.0).contains(&lambda) {
            let (what, range) = ("lambda", "0 to 1");
            return Err(ParameterError {
                what,
                range,
                got: lambda,
            });
        }
        Ok(Self {
            limit,
            kappa,
            lambda,
        })
    }

    /// The lower bound 1 - sqrt(kappa H) on the acceptance of a draft from a distribution of this entropy (nats).
    pub fn bound(&self, entropy: f64) -> f64 {
        1.0 - (self.kappa * entropy).sqrt()
    }
}

impl DraftLength for AdaEdl {
    fn limit(&self) -> usize {
        self.limit
    }

    fn stop(&self, q: &Rows, row: usize) -> Result<bool, AcceptError> {
        Ok(self.bound(q.entropy(row)?) < self.lambda)
    }
}

fn at_most(what: &'static str, min: usize, got: usize) -> Result<usize, ParameterError> {
    if (min..=MAX).contains(&got) {
        return Ok(got);
    }
    let range = if min == 0 { "0 to 64" } else { "1 to 64" };
    let got = got as f64;
    Err(ParameterError { what, range, got })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn static_never_changes() {
        let mut c = Static::new(4).unwrap();
        for accepted in [0, 4, 2] {
            c.observe(accepted);
            assert_eq!(c.limit(), 4);
        }
        assert_eq!(Static::new(0).unwrap().limit(), 0);
        assert_eq!(
            Static::new(65).unwrap_err().to_string(),
            "the draft length must be 0 to 64, got 65"
        );
    }

    #[test]
    fn heuristic_goes_up_by_two_and_down_by_one() {
        let mut c = Heuristic::new(5, 8).unwrap();
        let seen: Vec<usize> = [5, 7, 8, 3, 0, 7]
            .map(|accepted| {
                c.observe(accepted);
                c.limit()
            })
            .into();
        assert_eq!(seen, [7, 8, 8, 7, 6, 8]);
        let mut c = Heuristic::new(1, 8).unwrap();
        c.observe(0);
        assert_eq!(c.limit(), 1);
        assert!(
            Heuristic::new(0, 8).is_err()
                && Heuristic::new(9, 8).is_err()
                && Heuristic::new(1, 65).is_err()
        );
    }

    /// H of a fair coin is ln 2 = 0.693: the bound is 1 - sqrt(0.2 x 0.693) = 0.6277.
    #[test]
    fn ada_edl_stops_at_the_bound() {
        let coin = [0.5, 0.5, 0.0, 0.0];
        let sure = [1.0, 0.0, 0.0, 0.0];
        let values = [coin, sure].concat();
        let q = Rows::new(&values, 4).unwrap();
        let c = |lambda| AdaEdl::new(8, 0.2, lambda).unwrap();
        assert!((c(0.5).bound(q.entropy(0).unwrap()) - 0.627_671).abs() < 1e-6);
        assert!(!c(0.62).stop(&q, 0).unwrap());
        assert!(c(0.63).stop(&q, 0).unwrap());
        assert!(!c(1.0).stop(&q, 1).unwrap());
        assert_eq!(
            c(0.5).stop(&q, 2),
            Err(AcceptError::NoRow { row: 2, rows: 2 })
        );
    }

    #[test]
    fn ada_edl_rejects_nonsense() {
        for (limit, kappa, lambda) in [
            (0, 0.2, 0.5),
            (8, 0.0, 0.5),
            (8, f64::NAN, 0.5),
            (8, 0.2, 1.1),
            (8, 0.2, f64::NAN),
        ] {
            assert!(
                AdaEdl::new(limit, kappa, lambda).is_err(),
                "{limit} {kappa} {lambda}"
            );
        }
    }

    proptest! {
        #[test]
        fn heuristic_stays_in_bounds(first in 1..=64_usize, max in 1..=64_usize, rounds in prop::collection::vec(0..=64_usize, 0..40)) {
            let Ok(mut c) = Heuristic::new(first, max) else {
                prop_assert!(first > max);
                return Ok(());
            };
            for accepted in rounds {
                let before = c.limit();
                c.observe(accepted.min(before));
                prop_assert!((1..=max).contains(&c.limit()));
                prop_assert_eq!(c.limit() > before, accepted >= before && before < max);
            }
        }

        /// More entropy, less hope.
        #[test]
        fn the_bound_falls_with_entropy(a in 0.0..12.0_f64, b in 0.0..12.0_f64) {
            let c = AdaEdl::new(8, 0.2, 0.5).unwrap();
            prop_assert!(c.bound(a) <= 1.0);
            prop_assert!((a <= b) == (c.bound(a) >= c.bound(b)) || a == b || c.bound(a) == c.bound(b));
        }
    }
}
