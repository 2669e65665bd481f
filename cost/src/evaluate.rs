//! What one given way to run costs, whether it pays or not.

use crate::latency::Seat;
use crate::placement::{context_points, context_range, seats, variants};
use crate::plan::{Candidate, Objective, Pin, SearchOptions, Strategy};
use crate::profile::Role;
use crate::round::{Round, Setting};
use crate::search::{Problem, acceptance_of, best_of, check, no_pair, nothing_fits};
use crate::{CostError, ModelShape};
use serde::Serialize;

/// What one way to run costs, beside the same target without speculation.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The way asked for. `tokens_per_round` is E, `speedup` is relative to `baseline`; `c`, `v` and `verify_seconds` are here too.
    pub candidate: Candidate,
    /// The target alone, where the candidate has it.
    pub alone: Candidate,
    /// The target alone, where it is fastest: any unit and number of cores that the core limits allow, in the candidate's type.
    pub baseline: Candidate,
    /// Tokens a second relative to `alone`.
    pub speedup_here: f64,
    /// t_D: seconds of one drafter step while nothing else runs, mean over the contexts; 0 without drafter.
    pub draft_step_seconds: f64,
    /// t_T(1): seconds of one target call of one token while nothing else runs, mean over the contexts.
    pub target_step_seconds: f64,
}

/// Costs `draft_length` tokens a round (0: no speculation, `drafter` and `strategy` are not read) with the models where the pins
/// say. A pin without cores or type leaves them open: the fastest wins. Of the problem's options, those about placements, types,
/// strategies and draft lengths are not read. That both models fit in memory together, and can run at the same time where the
/// strategy wants it, is not checked.
///
/// # Errors
/// [`CostError::Input`] for pins or options that contradict the SoC, and drafts without a drafter; [`CostError::NothingFits`] when
/// the target cannot run there.
pub fn evaluate(
    problem: &Problem<'_>,
    drafter: Option<&Pin>,
    target: &Pin,
    strategy: Strategy,
    draft_length: u32,
) -> Result<Evaluation, CostError> {
    let drafts = draft_length > 0;
    if drafts && strategy == Strategy::Autoregressive {
        return Err(CostError::input(format!(
            "{draft_length} drafts a round need a strategy other than autoregressive"
        )));
    }
    if drafts && drafter.is_none() {
        return Err(CostError::input(format!(
            "{draft_length} drafts a round need a placement of the drafter"
        )));
    }
    let options = SearchOptions {
        force_drafter: drafter.filter(|_| drafts).cloned(),
        force_target: Some(target.clone()),
        fixed_draft_length: Some(draft_length),
        draft_lengths: Vec::new(),
        drafter_dtypes: Vec::new(),
        target_dtypes: Vec::new(),
        ..problem.options.clone()
    };
    let free = SearchOptions {
        force_target: None,
        ..options.clone()
    };
    let p = Problem {
        drafter: problem.drafter.filter(|_| drafts),
        options: &options,
        ..*problem
    };
    check(&p)?;
    let setting = Setting {
        soc: p.soc,
        profile: p.profile,
        options: &options,
    };
    // with or without drafts, the context is what both models hold
    let contexts = context_points(context_range(problem));
    let mut refused = Vec::new();
    let target_shapes = variants(p.target, Some(target), &[]);
    let targets = seats(&p, &target_shapes, Role::Target, &contexts, &mut refused);
    if targets.is_empty() {
        return Err(nothing_fits(&p, refused));
    }
    let anywhere = Problem {
        options: &free,
        ..p
    };
    let mut ignored = Vec::new();
    let others = seats(
        &anywhere,
        &target_shapes,
        Role::Target,
        &contexts,
        &mut ignored,
    );
    let baseline = best_alone(&p, &setting, &others)
        .or_else(|| best_alone(&p, &setting, &targets))
        .ok_or_else(|| no_pair(&p, &refused))?;

    let drafter_shapes: Vec<ModelShape> =
        p.drafter.map_or(Vec::new(), |d| variants(d, drafter, &[]));
    let drafters = seats(&p, &drafter_shapes, Role::Drafter, &contexts, &mut refused);
    let rounds: Vec<Round<'_>> = if drafts {
        let pairs = drafters
            .iter()
            .flat_map(|d| targets.iter().map(move |t| (d, t)));
        pairs
            .map(|(d, t)| Round::speculative(&setting, d, t, strategy, draft_length))
            .collect()
    } else {
        targets
            .iter()
            .map(|t| Round::autoregressive(&setting, t))
            .collect()
    };
    let rate = baseline.tokens_per_second;
    let candidates: Vec<Candidate> = rounds
        .iter()
        .map(|r| r.candidate(acceptance_of(p.acceptance, r), rate))
        .collect();
    let best = best_of(p.options.objective, &candidates);
    let (round, candidate) = best
        .and_then(|i| Some((rounds.get(i)?, candidates.get(i)?.clone())))
        .ok_or_else(|| no_pair(&p, &refused))?;
    let alone = Round::autoregressive(&setting, round.target).candidate(p.acceptance, rate);
    Ok(Evaluation {
        speedup_here: candidate.tokens_per_second / alone.tokens_per_second,
        draft_step_seconds: round.step(),
        target_step_seconds: round.single(),
        candidate,
        alone,
        baseline,
    })
}

/// The fastest of the seats without speculation; its speed-up is 1.
fn best_alone(p: &Problem<'_>, setting: &Setting<'_>, seats: &[Seat<'_>]) -> Option<Candidate> {
    let rounds: Vec<Round<'_>> = seats
        .iter()
        .map(|t| Round::autoregressive(setting, t))
        .collect();
    let all: Vec<Candidate> = rounds
        .iter()
        .map(|r| r.candidate(p.acceptance, 1.0))
        .collect();
    let best = best_of(Objective::Latency, &all)?;
    let rate = all.get(best)?.tokens_per_second;
    Some(rounds.get(best)?.candidate(p.acceptance, rate))
}
