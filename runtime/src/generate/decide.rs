//! From what is asked for and what a bundle offers to how it is decoded: one rule for all programs.

use super::settings::{Drafting, Schedule};
use crate::draft_length::MAX;
use crate::draft_length::goodput::{Goodput, Prior};
use crate::manifest::{Plan, Role};
use crate::model::Loaded;

/// How many drafts a round makes, as asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AskedLength {
    /// What gives the most tokens a second in this run ([`Drafting::Goodput`]); plain decoding without a drafter.
    Auto {
        /// Whether calls are timed, or cost what the prior says.
        measure: bool,
    },
    /// As the plan says.
    Plan,
    /// Always as many.
    Fixed(usize),
    /// By the outcome of the last round ([`Drafting::Heuristic`]).
    Adaptive,
    /// By the drafter's entropy ([`Drafting::Entropy`]).
    Entropy {
        /// Weight of the entropy.
        kappa: f64,
        /// Least bound on the acceptance to go on at.
        lambda: f64,
    },
}

/// When the models run, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedSchedule {
    /// As the plan says; sequential without one.
    Plan,
    /// One after the other.
    Sequential,
    /// The next draft beside the verification.
    Overlapped,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// How many drafts.
    pub length: AskedLength,
    /// When the models run.
    pub schedule: AskedSchedule,
}

/// What a bundle offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Drafts of a round by the plan; 0: none.
    pub drafts: usize,
    /// The plan's strategy; `none` without a plan.
    pub strategy: String,
    /// Whether there is a drafter.
    pub has_drafter: bool,
    /// Most tokens of one call of the target.
    pub widest: usize,
    /// What is believed of acceptance and time.
    pub prior: Prior,
}

impl Offer {
    /// Of a bundle, with its own plan or another.
    pub fn new(loaded: &Loaded, plan: Option<&Plan>) -> Self {
        let widths = loaded.widths(Role::Target);
        Self {
            drafts: plan
                .and_then(|p| usize::try_from(p.gamma).ok())
                .unwrap_or(0),
            strategy: plan.map_or_else(|| "none".to_owned(), |p| p.strategy.clone()),
            has_drafter: loaded.has_drafter(),
            widest: widths.iter().copied().max().unwrap_or(1),
            prior: plan.map(prior).unwrap_or_default(),
        }
    }
}

/// What a plan says, as a prior. Of a round of drafts it says no more than the length: what that is longer than plain decoding is taken
/// to be the drafter's.
pub fn prior(plan: &Plan) -> Prior {
    let drafts = usize::try_from(plan.gamma).unwrap_or(0).min(MAX);
    let alpha = plan.acceptance.filter(|a| (0.0..=1.0).contains(a));
    let positive = |x: &f64| x.is_finite() && *x > 0.0;
    let speed = |s: Option<f64>| s.filter(positive);
    let step = speed(plan.baseline_tokens_per_second)
        .map(|s| 1.0 / s)
        .filter(positive);
    let drafter = || {
        let (alpha, step) = (alpha?, step?);
        let drafts = u32::try_from(drafts).ok().filter(|n| *n > 0)?;
        let exponents = (0..=drafts).filter_map(|i| i32::try_from(i).ok());
        let tokens: f64 = exponents.map(|i| alpha.powi(i)).sum();
        let round = tokens / speed(plan.tokens_per_second)?;
        let sequential = plan.strategy == "sequential";
        Some((round - step) / f64::from(drafts)).filter(|s| sequential && positive(s))
    };
    Prior {
        draft_length: Some(drafts),
        survival: alpha.into_iter().collect(),
        target: step.iter().map(|s| (1, *s)).collect(),
        drafter: drafter().iter().map(|s| (1, *s)).collect(),
        ..Prior::default()
    }
}

/// How to decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// Drafts of a round.
    pub drafting: Drafting,
    /// When the models run.
    pub schedule: Schedule,
    /// Whether it is what the plan says.
    pub as_planned: bool,
    /// What the user should know.
    pub note: Option<&'static str>,
}

/// Drafts are asked for, and there is no drafter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no drafter, so a draft length of {0} cannot be: leave it at 0, or compile a pair"
)]
pub struct NeedsDrafter(
    /// The length, as asked for.
    pub String,
);

const PIPELINED: &str = "the plan is a pipelined one, for several sequences at once; one sequence is decoded sequentially";

/// Decides how to decode.
///
/// # Errors
/// Drafts are asked for, and there is no drafter.
pub fn decide(offer: &Offer, asked: Asked) -> Result<Decided, NeedsDrafter> {
    let planned = offer.drafts.min(MAX);
    let most = offer.widest.saturating_sub(1).clamp(1, MAX);
    let (drafting, name) = match asked.length {
        AskedLength::Auto { .. } if !offer.has_drafter => (Drafting::Fixed(0), "auto".into()),
        AskedLength::Auto { measure } => {
            let prior = offer.prior.clone();
            let max = most.max(planned);
            let goodput = Goodput {
                max,
                prior,
                measure,
            };
            (Drafting::Goodput(goodput), "auto".into())
        }
        AskedLength::Plan => (Drafting::Fixed(planned), planned.to_string()),
        AskedLength::Fixed(n) => (Drafting::Fixed(n), n.to_string()),
        AskedLength::Adaptive => {
            let first = if planned == 0 { most.min(4) } else { planned };
            let max = most.max(first);
            (Drafting::Heuristic { first, max }, "adaptive".into())
        }
        AskedLength::Entropy { kappa, lambda } => {
            let max = most;
            (Drafting::Entropy { max, kappa, lambda }, "entropy".into())
        }
    };
    let drafts = !drafting.is_plain();
    if drafts && !offer.has_drafter {
        return Err(NeedsDrafter(name));
    }
    let by_plan = match offer.strategy.as_str() {
        "overlapped" => Schedule::Overlapped,
        _ => Schedule::Sequential,
    };
    let schedule = match asked.schedule {
        _ if !drafts => Schedule::Sequential,
        AskedSchedule::Plan => by_plan,
        AskedSchedule::Sequential => Schedule::Sequential,
        AskedSchedule::Overlapped => Schedule::Overlapped,
    };
    let pipelined =
        drafts && asked.schedule == AskedSchedule::Plan && offer.strategy == "pipelined";
    Ok(Decided {
        as_planned: drafting == Drafting::Fixed(planned)
            && (!drafts || schedule == by_plan)
            && !pipelined,
        drafting,
        schedule,
        note: pipelined.then_some(PIPELINED),
    })
}

#[cfg(test)]
#[path = "tests/decide.rs"]
mod tests;
