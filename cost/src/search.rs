//! The search: every placement, core count, data type, strategy and draft length, costed and compared.

use crate::formulas::{MAX_DRAFT_LENGTH, first_above};
use crate::placement::{context_points, context_range, rounds, seats, variants};
use crate::plan::{Candidate, Objective, Outcome, Sensitivity, Strategy, WhatIf};
use crate::profile::{Profile, Role};
use crate::round::{Round, Setting};
use crate::soc::Soc;
use crate::{Acceptance, CostError, ModelShape, Pin, SearchOptions, explain};
use serde::Serialize;

/// A placement that was looked at and cannot run.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The placement.
    pub what: String,
    /// Why not, with the numbers.
    pub why: String,
}

/// A question to the model.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// The device.
    pub soc: &'a Soc,
    /// The model whose output is wanted.
    pub target: &'a ModelShape,
    /// The model that drafts; `None`: plan without speculation.
    pub drafter: Option<&'a ModelShape>,
    /// Acceptance of the drafter's tokens by the target.
    pub acceptance: &'a Acceptance,
    /// Measured latencies.
    pub profile: Option<&'a Profile>,
    /// What to search.
    pub options: &'a SearchOptions,
}

/// Relative difference below which two plans tie; the one with the shorter draft, then fewer cores, wins.
const TIE: f64 = 1e-9;

/// Finds the best plan.
///
/// # Errors
/// [`CostError::Input`] for options that contradict each other or the SoC; [`CostError::NothingFits`] when no placement of the
/// target can run.
pub fn search(problem: &Problem<'_>) -> Result<Outcome, CostError> {
    check(problem)?;
    let mut outcome = search_once(problem)?;
    outcome.what_if = what_if(problem, &outcome)?;
    outcome.unrestricted = unrestricted(problem)?;
    explain::add_caveats(problem, &mut outcome);
    Ok(outcome)
}

pub(crate) fn check(p: &Problem<'_>) -> Result<(), CostError> {
    let fail = |message: String| Err(CostError::input(message));
    let o = p.options;
    let lengths = o.draft_lengths.iter().copied();
    let lengths = lengths.chain([o.max_draft_length]);
    let longest = lengths.chain(o.fixed_draft_length).max().unwrap_or(0);
    if longest > MAX_DRAFT_LENGTH {
        return fail(format!(
            "draft length {longest} is above the limit of {MAX_DRAFT_LENGTH}"
        ));
    }
    if o.context.0 > o.context.1 {
        return fail(format!(
            "context range {}..{} is empty",
            o.context.0, o.context.1
        ));
    }
    if let Some(limit) = p.target.context_limit.filter(|l| o.context.0 > *l) {
        return fail(format!(
            "context {}.. is beyond the target's limit of {limit}",
            o.context.0
        ));
    }
    for pin in [&o.force_drafter, &o.force_target].into_iter().flatten() {
        pin.check(p.soc)?;
    }
    for (unit, cores) in &o.core_limits {
        Pin {
            unit: unit.clone(),
            cores: None,
            dtype: None,
        }
        .check(p.soc)?;
        if *cores == 0 {
            return fail(format!(
                "a limit of 0 cores of '{unit}' leaves nothing to run on; leave the unit out by forcing others"
            ));
        }
    }
    for model in [Some(p.target), p.drafter].into_iter().flatten() {
        if let Some(defect) = model.defect() {
            return fail(defect);
        }
    }
    match p.drafter {
        Some(d) if d.vocabulary != p.target.vocabulary => fail(format!(
            "drafter '{}' has {} tokens, target '{}' {}: they must share one vocabulary",
            d.name, d.vocabulary, p.target.name, p.target.vocabulary
        )),
        None if o.force_drafter.is_some() => {
            fail("a drafter placement is forced but there is no drafter".to_string())
        }
        None if o.fixed_draft_length.is_some_and(|g| g > 0) => {
            fail("a draft length is fixed but there is no drafter".to_string())
        }
        _ => Ok(()),
    }
}

/// The acceptance that holds for a round's data types.
pub(crate) fn acceptance_of<'a>(acceptance: &'a Acceptance, round: &Round<'_>) -> &'a Acceptance {
    match round.drafter {
        None => acceptance,
        Some(d) => {
            acceptance
                .for_pair(d.shape.dtype, round.target.shape.dtype)
                .0
        }
    }
}

fn score(objective: Objective, c: &Candidate) -> f64 {
    match objective {
        Objective::Latency | Objective::Throughput => c.tokens_per_second,
        Objective::EnergyProxy => 1.0 / c.energy_proxy,
    }
}

/// Index of the best candidate, of those with a fixed draft length if there is one.
fn choose(options: &SearchOptions, candidates: &[Candidate]) -> Option<usize> {
    let fixed = |c: &&Candidate| {
        options
            .fixed_draft_length
            .is_none_or(|g| g == c.draft_length)
    };
    best_where(options.objective, candidates, fixed)
}

/// Index of the best candidate: score, then shorter draft, then fewer cores, then order.
pub(crate) fn best_of(objective: Objective, candidates: &[Candidate]) -> Option<usize> {
    best_where(objective, candidates, |_| true)
}

fn best_where(
    objective: Objective,
    candidates: &[Candidate],
    allowed: impl Fn(&&Candidate) -> bool,
) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (i, c) in candidates.iter().enumerate().filter(|(_, c)| allowed(c)) {
        let better = best.is_none_or(|b| {
            let b = &candidates[b];
            let (x, y) = (score(objective, c), score(objective, b));
            let tie = (x - y).abs() <= TIE * y.abs();
            if tie {
                (c.draft_length, c.cores()) < (b.draft_length, b.cores())
            } else {
                x > y
            }
        });
        if better {
            best = Some(i);
        }
    }
    best
}

fn search_once(p: &Problem<'_>) -> Result<Outcome, CostError> {
    let o = p.options;
    let setting = Setting {
        soc: p.soc,
        profile: p.profile,
        options: o,
    };
    let context = context_range(p);
    let contexts = context_points(context);
    let mut refused = Vec::new();
    let target_shapes = variants(p.target, o.force_target.as_ref(), &o.target_dtypes);
    let drafter_shapes = p.drafter.map_or(Vec::new(), |d| {
        variants(d, o.force_drafter.as_ref(), &o.drafter_dtypes)
    });
    let targets = seats(p, &target_shapes, Role::Target, &contexts, &mut refused);
    if targets.is_empty() {
        return Err(nothing_fits(p, refused));
    }
    let drafters = seats(p, &drafter_shapes, Role::Drafter, &contexts, &mut refused);
    let rounds = rounds(p, &setting, &drafters, &targets, &mut refused);

    let alone: Vec<Candidate> = rounds[..targets.len()]
        .iter()
        .map(|r| r.candidate(p.acceptance, 1.0))
        .collect();
    let base = best_of(Objective::Latency, &alone).unwrap_or(0);
    let reference = alone[base].tokens_per_second;
    let baseline = rounds[base].candidate(p.acceptance, reference);
    let candidates: Vec<Candidate> = rounds
        .iter()
        .map(|r| r.candidate(acceptance_of(p.acceptance, r), reference))
        .collect();
    let chosen = choose(o, &candidates).ok_or_else(|| no_pair(p, &refused))?;
    let best = candidates[chosen].clone();
    Ok(Outcome {
        soc: p.soc.name().to_string(),
        target: p.target.name.clone(),
        drafter: p.drafter.map(|d| d.name.clone()),
        objective: o.objective,
        sampling: o.sampling,
        context,
        alpha: acceptance_of(p.acceptance, &rounds[chosen]).mean_alpha(),
        alpha_source: acceptance_of(p.acceptance, &rounds[chosen])
            .source()
            .to_string(),
        alpha_measured: acceptance_of(p.acceptance, &rounds[chosen]).is_measured(),
        break_even_alpha: break_even(&rounds, reference),
        sensitivity: sensitivity(p.acceptance, o, &rounds, chosen, reference),
        frontier: frontier(o.objective, &candidates),
        by_draft_length: same_placement(&candidates, &best),
        contributions: rounds[chosen].contributions(&best),
        best,
        baseline,
        refused,
        guesses: p.soc.guesses(),
        caveats: Vec::new(),
        what_if: None,
        unrestricted: None,
    })
}

/// The error where the target can run nowhere.
pub(crate) fn nothing_fits(p: &Problem<'_>, refused: Vec<Refusal>) -> CostError {
    if refused.is_empty() {
        return CostError::input(
            "the forced target placement uses more cores than the core limits allow",
        );
    }
    CostError::NothingFits {
        target: p.target.name.clone(),
        soc: p.soc.name().to_string(),
        refused,
    }
}

/// The error where a draft length is asked for, and no two placements go together.
pub(crate) fn no_pair(p: &Problem<'_>, refused: &[Refusal]) -> CostError {
    let why = match refused {
        [] => "the strategies, forced placements and core limits leave none".to_string(),
        _ => format!("\n{}", crate::error::list(refused)),
    };
    CostError::input(format!(
        "no placement of a drafter and the target '{}' on '{}' can run: {why}",
        p.target.name,
        p.soc.name()
    ))
}

/// Smallest constant alpha at which some round with a draft is faster than the baseline.
fn break_even(rounds: &[Round<'_>], baseline: f64) -> Option<f64> {
    let drafting: Vec<&Round<'_>> = rounds.iter().filter(|r| r.gamma > 0).collect();
    if drafting.is_empty() {
        return None;
    }
    first_above(baseline * (1.0 + TIE), |alpha| {
        let Ok(acceptance) = Acceptance::constant(alpha, String::new()) else {
            return 0.0;
        };
        drafting
            .iter()
            .map(|r| r.tokens_per_second(&acceptance))
            .fold(0.0, f64::max)
    })
}

fn sensitivity(
    acceptance: &Acceptance,
    options: &SearchOptions,
    rounds: &[Round<'_>],
    chosen: usize,
    baseline: f64,
) -> Vec<Sensitivity> {
    let at = |delta: f64| {
        let moved = acceptance.shifted(delta);
        let candidates: Vec<Candidate> = rounds
            .iter()
            .map(|r| r.candidate(acceptance_of(&moved, r), baseline))
            .collect();
        let best = choose(options, &candidates).unwrap_or(chosen);
        Sensitivity {
            delta,
            alpha: acceptance_of(&moved, &rounds[chosen]).mean_alpha(),
            speedup: candidates[chosen].speedup,
            best_draft_length: candidates[best].draft_length,
            best_speedup: candidates[best].speedup,
        }
    };
    [-0.05, 0.0, 0.05].map(at).to_vec()
}

/// The best candidate of each combination of units, types and strategy, the best first.
fn frontier(objective: Objective, candidates: &[Candidate]) -> Vec<Candidate> {
    let key = |c: &Candidate| {
        let drafter = c.drafter.as_ref().map(|d| (d.unit.clone(), d.dtype));
        (drafter, c.target.unit.clone(), c.target.dtype, c.strategy)
    };
    let mut groups: Vec<Vec<Candidate>> = Vec::new();
    for c in candidates {
        match groups.iter_mut().find(|g| key(&g[0]) == key(c)) {
            Some(group) => group.push(c.clone()),
            None => groups.push(vec![c.clone()]),
        }
    }
    let mut best: Vec<Candidate> = groups
        .iter()
        .filter_map(|g| best_of(objective, g).map(|i| g[i].clone()))
        .collect();
    best.sort_by(|a, b| score(objective, b).total_cmp(&score(objective, a)));
    best
}

/// The candidates with the plan's placements and strategy, by draft length; draft length 0 is the target alone on its place.
fn same_placement(candidates: &[Candidate], best: &Candidate) -> Vec<Candidate> {
    let same = |c: &&Candidate| {
        c.target == best.target
            && (c.draft_length == 0 || c.drafter == best.drafter && c.strategy == best.strategy)
    };
    candidates.iter().filter(same).cloned().collect()
}

/// If the target's entry points limit M: the best plan with any M, where it is better by more than a percent.
fn what_if(p: &Problem<'_>, outcome: &Outcome) -> Result<Option<WhatIf>, CostError> {
    if p.target.entry_tokens.is_empty() || p.drafter.is_none() {
        return Ok(None);
    }
    let mut free = p.target.clone();
    free.entry_tokens = Vec::new();
    let candidate = search_once(&Problem {
        target: &free,
        ..*p
    })?
    .best;
    let better =
        score(p.options.objective, &candidate) > 1.01 * score(p.options.objective, &outcome.best);
    let overlapped = candidate.strategy == Strategy::Overlapped;
    let entry_tokens = u64::from(candidate.draft_length) + u64::from(!overlapped);
    if !better || candidate.draft_length == 0 || p.target.entry_tokens.contains(&entry_tokens) {
        return Ok(None);
    }
    let speedup = candidate.tokens_per_second / outcome.baseline.tokens_per_second;
    Ok(Some(WhatIf {
        entry_tokens,
        draft_length: candidate.draft_length,
        speedup,
        candidate,
    }))
}

/// The baseline without what the options forbid; its data types stay.
fn unrestricted(p: &Problem<'_>) -> Result<Option<Candidate>, CostError> {
    let o = p.options;
    if o.force_target.is_none() && o.core_limits.is_empty() {
        return Ok(None);
    }
    let mut free = o.clone();
    if let Some(dtype) = o.force_target.as_ref().and_then(|pin| pin.dtype) {
        free.target_dtypes = vec![dtype];
    }
    free.force_target = None;
    free.force_drafter = None;
    free.fixed_draft_length = None;
    free.core_limits = Vec::new();
    let outcome = search_once(&Problem {
        drafter: None,
        options: &free,
        ..*p
    })?;
    Ok(Some(outcome.baseline))
}
