//! What a plan predicts, beside what was measured.

use crate::compare::{difference, error_percent};
use crate::replan::{AtMeasured, Replan};
use serde::Serialize;
use spec_profile::choose::Way;
use spec_runtime::generate::Decided;
use spec_runtime::manifest::Plan;

/// What the plan predicts.
#[derive(Clone, Debug, Serialize)]
pub struct PlanLine {
    /// Where it comes from: `bundle`, or what latencies it was made with here: `profile FILE`, `device file NAME`.
    pub source: String,
    /// Drafts of a round.
    pub draft_length: u32,
    /// `none`, `sequential`, `overlapped` or `pipelined`.
    pub strategy: String,
    /// Acceptance rate that it was made for.
    pub acceptance: Option<f64>,
    /// Predicted.
    pub tokens_per_second: Option<f64>,
    /// Predicted, over the baseline.
    pub speed_up: f64,
    /// What the speed-up is over.
    pub baseline: Option<String>,
    /// Its predicted speed.
    pub baseline_tokens_per_second: Option<f64>,
    /// Whether it was decoded as planned; if not, predictions are not compared.
    pub followed: bool,
    /// By how many percent the predicted tokens a second are above the measured ones.
    pub tokens_per_second_error_percent: Option<f64>,
    /// By how many percent the predicted speed-up is above the measured one; with a comparison only.
    pub speed_up_error_percent: Option<f64>,
    /// What else is known of a plan that was made here; null for the bundle's.
    pub made_here: Option<MadeHere>,
}

/// A plan that was made here.
#[derive(Clone, Debug, Serialize)]
pub struct MadeHere {
    /// Where the acceptance comes from; null without drafts.
    pub acceptance_source: Option<String>,
    /// Shortest context that it was made for, tokens.
    pub shortest_context: u64,
    /// Longest.
    pub longest_context: u64,
    /// All ways to decode that were weighed.
    pub candidates: Vec<Way>,
    /// The prediction for the drafts that were accepted; null without drafts, and if the plan was not followed.
    pub at_measured_acceptance: Option<AtMeasuredLine>,
}

/// The prediction for the drafts that were accepted: what is wrong with it, the latencies are to blame for.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AtMeasuredLine {
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Over the baseline.
    pub speed_up: f64,
    /// By how many percent that is above the measured tokens a second.
    pub tokens_per_second_error_percent: Option<f64>,
    /// By how many percent that is above the measured speed-up; with a comparison only.
    pub speed_up_error_percent: Option<f64>,
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Tokens a second; of a comparison the median.
    pub tokens_per_second: f64,
    /// Over plain decoding; of a comparison only.
    pub speed_up: Option<f64>,
    /// Accepted drafts of those that were reached; none without drafts.
    pub acceptance: Option<f64>,
}

/// Acceptance rates that are farther apart than this are said to differ.
const APART: f64 = 0.05;

/// The plan beside what was measured.
pub fn plan(plan: &Plan, decoding: &Decided, measured: &Measured) -> PlanLine {
    let followed = decoding.as_planned;
    let tokens_per_second = plan.tokens_per_second.filter(|_| followed);
    let speed_up = measured.speed_up.filter(|_| followed);
    PlanLine {
        source: "bundle".into(),
        draft_length: plan.gamma,
        strategy: plan.strategy.clone(),
        acceptance: plan.acceptance,
        tokens_per_second: plan.tokens_per_second,
        speed_up: plan.speed_up,
        baseline: plan.baseline.clone(),
        baseline_tokens_per_second: plan.baseline_tokens_per_second,
        followed,
        tokens_per_second_error_percent: tokens_per_second
            .and_then(|p| error_percent(p, measured.tokens_per_second)),
        speed_up_error_percent: speed_up.and_then(|m| error_percent(plan.speed_up, m)),
        made_here: None,
    }
}

impl PlanLine {
    /// Adds what is known of a plan that was made here. `at`: its prediction for the drafts that were accepted.
    pub fn replanned(&mut self, replan: &Replan, at: Option<AtMeasured>, measured: &Measured) {
        self.source = replan.source.clone();
        self.made_here = Some(MadeHere {
            acceptance_source: replan.acceptance_source.clone(),
            shortest_context: replan.contexts.0,
            longest_context: replan.contexts.1,
            candidates: replan.ways.clone(),
            at_measured_acceptance: at.map(|at| AtMeasuredLine {
                tokens_per_second: at.tokens_per_second,
                speed_up: at.speed_up,
                tokens_per_second_error_percent: error_percent(
                    at.tokens_per_second,
                    measured.tokens_per_second,
                ),
                speed_up_error_percent: measured
                    .speed_up
                    .and_then(|m| error_percent(at.speed_up, m)),
            }),
        });
    }

    /// How the verdict goes on where drafts were accepted otherwise than assumed.
    pub fn remark(&self, measured: &Measured) -> Option<String> {
        let (assumed, found) = (self.acceptance?, measured.acceptance?);
        if !self.followed || (assumed - found).abs() <= APART {
            return None;
        }
        let mut text = format!(
            "; {:.1} % of the drafts were accepted, not {:.1} % as it assumed",
            found * 100.0,
            assumed * 100.0
        );
        let made = self.made_here.as_ref();
        let at = made.and_then(|m| m.at_measured_acceptance);
        if let (Some(at), Some(speed_up)) = (at, measured.speed_up) {
            text += &format!(
                ", and for those it predicts {:.2} ({})",
                at.speed_up,
                difference(at.speed_up, speed_up)
            );
        }
        Some(text)
    }
}
