//! The best way to decode a bundle as it is: draft length and schedule, for the placements that it was compiled for.

use crate::bundle::Described;
use crate::predict::{Model, Pair, PredictError, Predictor, no_drafts};
use serde::Serialize;
use spec_cost::{Basis, Evaluation, Soc, Strategy};

/// A way to decode and what it is predicted to cost.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Way {
    /// Drafts of a round; 0: plain decoding.
    pub draft_length: u32,
    /// `autoregressive` for plain decoding, else `sequential` or `overlapped`.
    pub schedule: Strategy,
    /// Predicted.
    pub tokens_per_second: f64,
    /// Over plain decoding of the target where it is.
    pub speed_up: f64,
    /// Expected tokens a round.
    pub tokens_per_round: f64,
    /// Seconds of a round, mean over the contexts.
    pub round_seconds: f64,
    /// Whether both latencies are measured, or between measured ones.
    pub measured: bool,
}

impl From<&Evaluation> for Way {
    fn from(found: &Evaluation) -> Self {
        let candidate = &found.candidate;
        Self {
            draft_length: candidate.draft_length,
            schedule: candidate.strategy,
            tokens_per_second: candidate.tokens_per_second,
            speed_up: found.speedup_here,
            tokens_per_round: candidate.tokens_per_round,
            round_seconds: candidate.round_seconds,
            measured: candidate.measured,
        }
    }
}

/// Whether drafter and target can run at the same time: on different units, or on cores of their own of one CPU. `cores`: how many
/// the process may use.
pub fn at_once(soc: &Soc, pair: &Pair, cores: usize) -> bool {
    let Some(drafter) = &pair.drafter else {
        return false;
    };
    let (d, t) = (&drafter.described, &pair.target.described);
    let software = |m: &Described| {
        let unit = soc.unit(&m.unit);
        unit.is_some_and(|u| u.features.iter().any(|f| f == "software"))
    };
    let on_cpu = [d, t].into_iter().filter(|m| !m.gpu);
    let wanted: u64 = on_cpu.map(|m| u64::from(m.cores)).sum();
    let room = if d.unit != t.unit {
        true
    } else if d.gpu {
        false
    } else {
        let all = soc.unit(&d.unit).map_or(0, |u| u.cores);
        wanted <= u64::from(all)
    };
    let here = u64::try_from(cores).unwrap_or(u64::MAX);
    room && wanted <= here && !software(d) && !software(t)
}

/// The fastest; of equally fast ones the one with fewer drafts, then the sequential one.
pub fn fastest<'a>(ways: impl IntoIterator<Item = &'a Way>) -> Option<&'a Way> {
    ways.into_iter().reduce(|best, way| {
        let order = way.tokens_per_second.total_cmp(&best.tokens_per_second);
        let order = order.then(best.draft_length.cmp(&way.draft_length));
        if order.then(best.schedule.cmp(&way.schedule)).is_gt() {
            way
        } else {
            best
        }
    })
}

impl Predictor {
    /// All ways to decode with one of `lengths` drafts: 0 is plain decoding; others sequential and, if `overlapped`, overlapped. Without a
    /// drafter there is plain decoding only, as there is where the acceptance is not known.
    ///
    /// # Errors
    /// [`PredictError::Unmeasured`] if there is a profile and it does not have both models where they are; [`PredictError::Cost`].
    pub fn ways(
        &self,
        pair: &Pair,
        lengths: impl IntoIterator<Item = u32>,
        overlapped: bool,
    ) -> Result<Vec<Way>, PredictError> {
        let known = self.acceptance(pair)?;
        let acceptance = match &known {
            Some(found) => found.clone(),
            None => no_drafts()?,
        };
        let mut ways = vec![];
        for length in lengths {
            let schedules: &[Strategy] = match (length, &known) {
                (0, _) => &[Strategy::Autoregressive],
                (_, None) => &[],
                _ if overlapped => &[Strategy::Sequential, Strategy::Overlapped],
                _ => &[Strategy::Sequential],
            };
            for schedule in schedules {
                let found = self.evaluate(pair, &acceptance, length, *schedule)?;
                self.has_rows(pair, &found)?;
                ways.push(Way::from(&found));
            }
        }
        Ok(ways)
    }

    /// # Errors
    /// There is a profile, and nothing of it serves a model.
    fn has_rows(&self, pair: &Pair, found: &Evaluation) -> Result<(), PredictError> {
        let Some(profile) = &self.profile else {
            return Ok(());
        };
        let lacks = |role: &str, model: &Model| PredictError::Unmeasured {
            profile: profile.source(),
            model: format!(
                "{role} '{}' in {} on {}",
                model.described.model,
                model.described.dtype,
                model.place()
            ),
            bundle: pair.bundle.clone(),
        };
        let candidate = &found.candidate;
        if candidate.target_basis == Basis::Analytic {
            return Err(lacks("target", &pair.target));
        }
        match &pair.drafter {
            Some(drafter) if candidate.drafter_basis == Some(Basis::Analytic) => {
                Err(lacks("drafter", drafter))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
