//! The longest repeated run in a list of numbers.

use super::signature::Signature;
use spec_dialect::ffi::Value;

/// `count` repetitions of `period` actions from `start` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) period: usize,
    pub(super) count: usize,
}

impl Run {
    /// The operands of each repetition, in order.
    pub(super) fn instances(self, signatures: &[Signature]) -> Vec<Vec<Value>> {
        let one = |t: usize| {
            let from = self.start + t * self.period;
            (signatures[from..from + self.period].iter())
                .flat_map(|s| s.operands.iter().copied())
                .collect()
        };
        (0..self.count).map(one).collect()
    }
}

/// The run that covers most, of at least `min` actions and two repetitions; of several, the one of the shortest period.
pub(super) fn longest(ids: &[usize], min: usize) -> Option<Run> {
    let mut best: Option<Run> = None;
    for period in min..=ids.len() / 2 {
        let mut equal = 0;
        for i in 0..ids.len() - period {
            equal = if ids[i] == ids[i + period] {
                equal + 1
            } else {
                0
            };
            let count = equal / period + 1;
            if count >= 2 && best.is_none_or(|b| count * period > b.count * b.period) {
                let start = i + 1 - equal;
                best = Some(Run {
                    start,
                    period,
                    count,
                });
            }
        }
    }
    best
}
