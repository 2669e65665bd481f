//! What was measured, beside what was predicted: the content of results.json, results.csv and the page.

mod compare;
mod lines;
mod rows;
pub(crate) mod stored;
mod verdict;

use crate::acceptance::Rounds;
use crate::bench::{Configuration, Run, Runs, TimeLine};
use crate::forecast::{Forecast, Guess};
use serde::{Deserialize, Serialize};
use spec_profile::bundle::Described;
use spec_profile::conditions::Conditions;
use std::collections::BTreeMap;
pub(crate) use verdict::CLOSE;

/// A model of a bundle.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) model: String,
    pub(crate) unit: String,
    /// Cores; `None` on a GPU.
    pub(crate) cores: Option<u32>,
    pub(crate) dtype: String,
}

impl From<&Described> for Place {
    fn from(d: &Described) -> Self {
        Self {
            model: d.model.clone(),
            unit: d.unit.clone(),
            cores: (!d.gpu).then_some(d.cores),
            dtype: d.dtype.clone(),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.cores {
            Some(cores) => write!(f, "{}:{cores}:{}", self.unit, self.dtype),
            None => write!(f, "{}::{}", self.unit, self.dtype),
        }
    }
}

/// What the bundle's manifest plans.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) draft_length: usize,
    pub(crate) strategy: String,
    pub(crate) speed_up: f64,
}

/// A bundle.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct BundleInfo {
    pub(crate) label: String,
    pub(crate) target: Place,
    pub(crate) drafter: Option<Place>,
    pub(crate) plan: Option<Planned>,
}

impl BundleInfo {
    /// Its placements in words.
    pub(crate) fn placement(&self) -> String {
        match &self.drafter {
            Some(drafter) => format!("drafter {drafter}, target {}", self.target),
            None => format!("target {}", self.target),
        }
    }
}

/// One configuration over all prompts.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct Row {
    #[serde(flatten)]
    pub(crate) configuration: Configuration,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    /// Half the interquartile range of the speed-ups of single prompts.
    pub(crate) spread: f64,
    /// Relative to the fastest plain decoding of all bundles.
    pub(crate) speed_up_over_best: f64,
    /// Share of the time: drafting, verification, hand-off, sampling. More than 1 in all where both models run at once.
    pub(crate) shares: [f64; 4],
    /// Drafts of a round, on average.
    pub(crate) drafts_per_round: f64,
    /// Rounds by the number of their drafts, from 0 on, where lengths are chosen in the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lengths: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicted: Option<Predicted>,
    /// Of the prediction: relative to the fastest plain decoding of all bundles as predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicted_over_best: Option<f64>,
    /// Each task by itself.
    pub(crate) by_task: Vec<TaskRow>,
    /// Runs whose tokens are not those of plain decoding.
    pub(crate) differing: usize,
}

/// One configuration over the prompts of one task, predicted with the acceptance of that task.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct TaskRow {
    pub(crate) task: String,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicted: Option<Predicted>,
}

/// What some runs of one configuration gave.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) tokens: usize,
    pub(crate) seconds: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) tokens_per_round: f64,
    /// What other prompts of the same tasks would change; `None`: too few prompts to say.
    pub(crate) tokens_per_round_error: Option<f64>,
    /// Relative to plain decoding of the same bundle: all tokens over all seconds.
    pub(crate) speed_up: f64,
    /// What other prompts of the same tasks would change; `None`: too few prompts to say.
    pub(crate) standard_error: Option<f64>,
}

/// The prediction, and how far it is off, percent: predicted / measured - 1.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Predicted {
    #[serde(flatten)]
    pub(crate) guess: Guess,
    pub(crate) speed_up: f64,
    /// What other prompts for calibration would change in it.
    pub(crate) standard_error: Option<f64>,
    /// The speed-up that the latencies predict for the tokens a round that were measured.
    pub(crate) speed_up_as_accepted: f64,
    /// Of the speed-up.
    pub(crate) error: f64,
    /// Of the tokens a second.
    pub(crate) rate_error: f64,
    /// Of the tokens a round: what is owed to the acceptance.
    pub(crate) acceptance_error: f64,
    /// Of the speed-up as accepted: what is owed to the latencies.
    pub(crate) latency_error: f64,
    /// Whether prediction and measurement differ by less than both sets of prompts let expect, at 95 %; `None` if that is not known.
    pub(crate) within_noise: Option<bool>,
}

/// Acceptance by position.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Curve {
    pub(crate) bundle: usize,
    pub(crate) task: String,
    pub(crate) draft_length: usize,
    pub(crate) rounds: u64,
    /// Of draft k, if those before it stand.
    pub(crate) conditional: Vec<Option<f64>>,
    /// Of the first k drafts.
    pub(crate) survival: Vec<f64>,
}

/// How good the predictions and the choice are.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Of configurations with drafts, with the acceptance over all tasks.
    pub(crate) pooled: Option<Errors>,
    /// Likewise, each task with its own acceptance.
    pub(crate) by_task: Option<Errors>,
    /// Of the absolute errors of tokens a second, plain decoding included, percent.
    pub(crate) median_rate_error: Option<f64>,
    /// Index of the fastest configuration as measured, without those that choose lengths in the run.
    pub(crate) best: Option<usize>,
    /// Index of the configuration that is predicted to be the fastest.
    pub(crate) choice: Option<usize>,
    /// How much slower than the best the choice is, percent.
    pub(crate) choice_loss: Option<f64>,
    /// Whether the choice is the best, or within [`CLOSE`] percent of it.
    pub(crate) choice_is_good: Option<bool>,
    /// By bundle, of the plan in its manifest: how much slower than the bundle's best it is, percent; `None` if it was not measured.
    pub(crate) plan_losses: Vec<Option<f64>>,
    /// Rows that choose lengths in the run, and how much slower than the bundle's best fixed length they are, percent; below 0: faster.
    pub(crate) chosen_losses: Vec<(usize, f64)>,
    /// Runs whose tokens are not those of plain decoding.
    pub(crate) differing: usize,
}

/// Absolute errors of predicted speed-ups, percent: the median, and the largest.
#[derive(Serialize, Clone, Copy, Debug, PartialEq)]
pub(crate) struct Errors {
    /// Number of predictions.
    pub(crate) compared: usize,
    /// Of the speed-up.
    pub(crate) total: (f64, f64),
    /// Of the tokens a round.
    pub(crate) acceptance: (f64, f64),
    /// Of the speed-up at the tokens a round that were measured.
    pub(crate) latency: (f64, f64),
    /// Predictions that lie within sampling noise, and those of which it is known.
    pub(crate) within_noise: (usize, usize),
}

/// What the results rest on.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Sources {
    pub(crate) tool: String,
    pub(crate) soc: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) acceptance: Option<String>,
    pub(crate) prompts: String,
    pub(crate) sampling: String,
    pub(crate) max_tokens: usize,
    pub(crate) repeats: usize,
    /// What a reader must know.
    pub(crate) notes: Vec<String>,
}

/// All of it.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct Results {
    pub(crate) sources: Sources,
    pub(crate) conditions: Conditions,
    pub(crate) bundles: Vec<BundleInfo>,
    pub(crate) rows: Vec<Row>,
    pub(crate) verdict: Verdict,
    pub(crate) acceptance: Vec<Curve>,
    /// Index of the row, and a few of its rounds.
    pub(crate) time_lines: Vec<(usize, TimeLine)>,
    pub(crate) runs: Vec<Run>,
}

/// Puts it together. `forecasts` are by configuration.
pub(crate) fn results(
    sources: Sources,
    conditions: Conditions,
    bundles: Vec<BundleInfo>,
    configurations: &[Configuration],
    forecasts: &[Forecast],
    runs: Runs,
) -> Results {
    let acceptance = curves(configurations, &runs);
    let mut results = assemble(
        sources,
        conditions,
        bundles,
        configurations,
        forecasts,
        runs.runs,
    );
    results.acceptance = acceptance;
    results.time_lines = shown(&results.rows, runs.time_lines);
    results
}

/// All that follows from the runs as they are stored.
fn assemble(
    sources: Sources,
    conditions: Conditions,
    bundles: Vec<BundleInfo>,
    configurations: &[Configuration],
    forecasts: &[Forecast],
    runs: Vec<Run>,
) -> Results {
    let rows = rows::rows(configurations, forecasts, &runs);
    let verdict = verdict::verdict(&rows, &bundles);
    Results {
        sources,
        conditions,
        bundles,
        verdict,
        acceptance: vec![],
        time_lines: vec![],
        rows,
        runs,
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

/// Of each bundle at its longest sequential draft, by task; and of all tasks.
fn curves(configurations: &[Configuration], runs: &Runs) -> Vec<Curve> {
    let mut bundles: Vec<usize> = configurations.iter().map(|c| c.bundle).collect();
    bundles.dedup();
    let mut all = vec![];
    for bundle in bundles {
        let sequential = configurations.iter().enumerate().filter(|(_, c)| {
            let kind = crate::bench::Kind::Sequential;
            c.bundle == bundle && c.schedule == kind && c.drafts_alike()
        });
        let Some((index, longest)) = sequential.max_by_key(|(_, c)| c.draft_length) else {
            continue;
        };
        let empty = || Rounds::new(longest.draft_length);
        let (mut total, mut tasks) = (empty(), BTreeMap::new());
        for ((_, task, _), rounds) in runs.rounds.iter().filter(|((i, _, _), _)| *i == index) {
            total.merge(rounds);
            tasks.entry(task).or_insert_with(empty).merge(rounds);
        }
        for (task, rounds) in tasks {
            all.push(curve(bundle, task, longest.draft_length, &rounds));
        }
        all.push(curve(bundle, "all", longest.draft_length, &total));
    }
    all.retain(|c: &Curve| c.rounds > 0);
    all
}

fn curve(bundle: usize, task: &str, draft_length: usize, rounds: &Rounds) -> Curve {
    Curve {
        bundle,
        task: task.to_owned(),
        draft_length,
        rounds: rounds.count(),
        conditional: rounds.conditional(),
        survival: rounds.survival(),
    }
}

/// The time lines worth showing: of each bundle and schedule the fastest with drafts.
fn shown(rows: &[Row], lines: BTreeMap<usize, TimeLine>) -> Vec<(usize, TimeLine)> {
    let fastest = |i: usize| {
        let Some(mine) = rows.get(i) else {
            return false;
        };
        let c = &mine.configuration;
        let same = rows.iter().filter(|r| {
            let o = &r.configuration;
            o.draft_length > 0 && (o.bundle, o.schedule) == (c.bundle, c.schedule)
        });
        same.map(|r| r.measured.tokens_per_second)
            .fold(0.0, f64::max)
            <= mine.measured.tokens_per_second
    };
    lines.into_iter().filter(|(i, _)| fastest(*i)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
