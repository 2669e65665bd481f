//! What is believed before a run: plain numbers, from a plan or from a profile.

use super::super::{MAX, ParameterError};

/// Positions and lengths of lists in it are bounded by this: far more than any model has widths.
const LONGEST: usize = 4096;

/// What is believed before a run. The default knows nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Drafts of a round that are best by it; 0: the sequence begins with plain decoding, and the prompt is not fed to the drafter.
    /// None: nobody says.
    pub draft_length: Option<usize>,
    /// Probability that the first k drafts of a round all stand, k = 1, 2 ...: 0 to 1, not ascending. Behind its end drafts stand as
    /// often as the last one does if it is reached. Empty: not known.
    pub survival: Vec<f64>,
    /// How many rounds of the run `survival` is worth; above 0.
    pub weight: f64,
    /// Seconds of a call of the target: tokens of the call (ascending, from 1 on), seconds. Empty: not known.
    pub target: Vec<(usize, f64)>,
    /// Seconds of a call of the drafter, likewise.
    pub drafter: Vec<(usize, f64)>,
}

impl Default for Prior {
    fn default() -> Self {
        Self {
            draft_length: None,
            survival: vec![],
            weight: 8.0,
            target: vec![],
            drafter: vec![],
        }
    }
}

impl Prior {
    /// # Errors
    /// A number that is none, or out of range.
    pub(super) fn check(&self) -> Result<(), ParameterError> {
        let wrong = |what, range, got| Err(ParameterError { what, range, got });
        if let Some(n) = self.draft_length.filter(|n| *n > MAX) {
            return wrong("the prior's draft length", "0 to 64", n as f64);
        }
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return wrong(
                "the weight of the prior",
                "positive and finite",
                self.weight,
            );
        }
        let mut most = 1.0;
        for share in self.survival.iter().copied() {
            if !(0.0..=most).contains(&share) {
                let range = "0 to 1, and not ascending";
                return wrong("the prior's survival of drafts", range, share);
            }
            most = share;
        }
        for calls in [&self.target, &self.drafter] {
            let mut before = 0;
            for (tokens, seconds) in calls.iter().copied() {
                if tokens <= before || tokens > LONGEST {
                    let range = "1 to 4096, and ascending";
                    return wrong("the tokens of the prior's calls", range, tokens as f64);
                }
                if !(seconds.is_finite() && seconds > 0.0) {
                    return wrong("the seconds of a prior's call", "positive", seconds);
                }
                before = tokens;
            }
        }
        Ok(())
    }
}
