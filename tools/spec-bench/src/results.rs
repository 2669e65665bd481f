//! What was measured, beside what was predicted: the content of results.json, results.csv and the page.

use crate::bench::{Configuration, Run, Runs, TimeLine};
use crate::error::BenchError;
use serde::Serialize;
use spec_profile::bundle::Described;
use spec_profile::conditions::Conditions;
use spec_profile::predict::Prediction;
use spec_profile::statistics::{Summary, median};

/// A model of a bundle.
#[derive(Serialize, Clone, Debug, PartialEq)]
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
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) draft_length: usize,
    pub(crate) strategy: String,
    pub(crate) speed_up: f64,
}

/// A bundle.
#[derive(Serialize, Clone, Debug, PartialEq)]
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
    /// Of all runs.
    pub(crate) tokens: usize,
    pub(crate) seconds: f64,
    pub(crate) tokens_per_second: f64,
    pub(crate) tokens_per_round: f64,
    /// Relative to plain decoding of the same bundle: all tokens over all seconds.
    pub(crate) speed_up: f64,
    /// Half the interquartile range of the speed-ups of single prompts.
    pub(crate) spread: f64,
    /// Relative to the fastest plain decoding of all bundles.
    pub(crate) speed_up_over_best: f64,
    /// Share of the time: drafting, verification, hand-off, sampling. More than 1 in all where both models run at once.
    pub(crate) shares: [f64; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) predicted: Option<Predicted>,
    /// By task: tokens a second, and speed-up over plain decoding of the same bundle.
    pub(crate) tasks: Vec<(String, f64, f64)>,
    /// Runs whose tokens are not those of plain decoding.
    pub(crate) differing: usize,
}

/// The prediction, and how far it is off: predicted / measured - 1.
#[derive(Serialize, Clone, Debug, PartialEq)]
pub(crate) struct Predicted {
    #[serde(flatten)]
    pub(crate) prediction: Prediction,
    pub(crate) speed_up: f64,
    pub(crate) speed_up_over_best: f64,
    /// Of the speed-up, percent.
    pub(crate) error: f64,
    /// Of the tokens a second, percent.
    pub(crate) rate_error: f64,
}

/// Acceptance by position.
#[derive(Serialize, Clone, Debug, PartialEq)]
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
    /// Configurations with drafts that were predicted.
    pub(crate) compared: usize,
    /// Of the absolute errors of the speed-up, percent.
    pub(crate) median_error: Option<f64>,
    /// The largest of them.
    pub(crate) worst_error: Option<f64>,
    /// Of the absolute errors of tokens a second, plain decoding included, percent.
    pub(crate) median_rate_error: Option<f64>,
    /// Index of the fastest configuration as measured.
    pub(crate) best: Option<usize>,
    /// Index of the configuration that is predicted to be the fastest.
    pub(crate) choice: Option<usize>,
    /// How much slower than the best the choice is, percent.
    pub(crate) choice_loss: Option<f64>,
    /// Whether the choice is the best, or within [`CLOSE`] percent of it.
    pub(crate) choice_is_good: Option<bool>,
    /// By bundle, of the plan in its manifest: how much slower than the bundle's best it is, percent; `None` if it was not measured.
    pub(crate) plan_losses: Vec<Option<f64>>,
    /// Runs whose tokens are not those of plain decoding.
    pub(crate) differing: usize,
}

/// A choice that loses no more than so many percent is as good as the best.
pub(crate) const CLOSE: f64 = 3.0;

/// What the results rest on.
#[derive(Serialize, Clone, Debug, PartialEq)]
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

/// Puts it together. `predictions` are by configuration.
pub(crate) fn results(
    sources: Sources,
    conditions: Conditions,
    bundles: Vec<BundleInfo>,
    configurations: &[Configuration],
    predictions: &[Option<Prediction>],
    runs: Runs,
) -> Results {
    let mut rows: Vec<Row> = configurations
        .iter()
        .enumerate()
        .map(|(i, c)| row(i, *c, configurations, &runs.runs))
        .collect();
    relate(&mut rows, predictions);
    let verdict = verdict(&rows, &bundles);
    let acceptance = curves(configurations, &runs);
    let time_lines = shown(&rows, runs.time_lines);
    Results {
        sources,
        conditions,
        bundles,
        verdict,
        acceptance,
        time_lines,
        rows,
        runs: runs.runs,
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}

fn rate<'a>(runs: impl Iterator<Item = &'a Run>) -> f64 {
    let (tokens, seconds) = runs.fold((0, 0.0), |(t, s), r| (t + r.tokens, s + r.seconds));
    ratio(tokens as f64, seconds)
}

fn row(index: usize, configuration: Configuration, all: &[Configuration], runs: &[Run]) -> Row {
    let plain = all
        .iter()
        .position(|c| c.bundle == configuration.bundle && c.draft_length == 0);
    let of = |i: Option<usize>| runs.iter().filter(move |r| Some(r.configuration) == i);
    let mine = || of(Some(index));
    let (tokens, seconds) = mine().fold((0, 0.0), |(t, s), r| (t + r.tokens, s + r.seconds));
    let single: Vec<f64> = mine()
        .filter_map(|r| {
            let same = |p: &&Run| p.prompt == r.prompt && p.repeat == r.repeat;
            let plain = of(plain).find(same)?;
            Some(ratio(
                rate(std::iter::once(r)),
                rate(std::iter::once(plain)),
            ))
        })
        .collect();
    let mut tasks: Vec<String> = mine().map(|r| r.task.clone()).collect();
    tasks.sort();
    tasks.dedup();
    let tasks = tasks.into_iter().map(|task| {
        let here = rate(mine().filter(|r| r.task == task));
        let there = rate(of(plain).filter(|r| r.task == task));
        (task, here, ratio(here, there))
    });
    let part = |i: usize| {
        let sum: f64 = mine().filter_map(|r| r.parts.get(i)).sum();
        ratio(sum, seconds)
    };
    let tokens_per_second = ratio(tokens as f64, seconds);
    Row {
        configuration,
        tokens,
        seconds,
        tokens_per_second,
        tokens_per_round: ratio(
            tokens as f64,
            mine().map(|r| r.rounds).sum::<usize>() as f64,
        ),
        speed_up: ratio(tokens_per_second, rate(of(plain))),
        spread: Summary::of(&single).map_or(0.0, |s| s.spread),
        speed_up_over_best: 0.0,
        shares: [0, 1, 2, 3].map(part),
        predicted: None,
        tasks: tasks.collect(),
        differing: mine().filter(|r| r.same_as_plain == Some(false)).count(),
    }
}

/// Fills in what needs all rows: the best plain decoding, and the predictions.
fn relate(rows: &mut [Row], predictions: &[Option<Prediction>]) {
    let plain = |r: &&Row| r.configuration.draft_length == 0;
    let best = rows.iter().filter(plain).map(|r| r.tokens_per_second);
    let best = best.fold(0.0, f64::max);
    let promised = predictions
        .iter()
        .flatten()
        .map(|p| p.plain_tokens_per_second);
    let promised = promised.fold(0.0, f64::max);
    for (i, row) in rows.iter_mut().enumerate() {
        row.speed_up_over_best = ratio(row.tokens_per_second, best);
        let Some(prediction) = predictions.get(i).copied().flatten() else {
            continue;
        };
        let speed_up = ratio(
            prediction.tokens_per_second,
            prediction.plain_tokens_per_second,
        );
        let off = |predicted: f64, measured: f64| 100.0 * (ratio(predicted, measured) - 1.0);
        row.predicted = Some(Predicted {
            speed_up,
            speed_up_over_best: ratio(prediction.tokens_per_second, promised),
            error: off(speed_up, row.speed_up),
            rate_error: off(prediction.tokens_per_second, row.tokens_per_second),
            prediction,
        });
    }
}

/// Index of the largest number.
fn largest(numbers: impl Iterator<Item = (usize, f64)>) -> Option<usize> {
    numbers.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
}

fn verdict(rows: &[Row], bundles: &[BundleInfo]) -> Verdict {
    let predicted = |r: &Row| r.predicted.clone();
    let speculative = rows.iter().filter(|r| r.configuration.draft_length > 0);
    let errors: Vec<f64> = speculative
        .filter_map(predicted)
        .map(|p| p.error.abs())
        .collect();
    let rates: Vec<f64> = rows
        .iter()
        .filter_map(predicted)
        .map(|p| p.rate_error.abs())
        .collect();
    let measured = || rows.iter().map(|r| r.tokens_per_second).enumerate();
    let best = largest(measured());
    let promised = rows.iter().enumerate();
    let promised =
        promised.filter_map(|(i, r)| Some((i, r.predicted.as_ref()?.prediction.tokens_per_second)));
    let choice = largest(promised);
    let speed = |i: Option<usize>| rows.get(i?).map(|r| r.tokens_per_second);
    let loss = |chosen: Option<usize>, best: Option<usize>| {
        Some(100.0 * (1.0 - ratio(speed(chosen)?, speed(best)?)))
    };
    let choice_loss = loss(choice, best);
    let plan_losses = bundles.iter().enumerate().map(|(number, bundle)| {
        let plan = bundle.plan.as_ref()?;
        let chosen = rows.iter().position(|r| {
            let c = &r.configuration;
            let schedule = plan.draft_length == 0 || c.schedule.name() == plan.strategy;
            c.bundle == number && c.draft_length == plan.draft_length && schedule
        });
        let mine = measured().filter(|(i, _)| {
            rows.get(*i)
                .is_some_and(|r| r.configuration.bundle == number)
        });
        loss(Some(chosen?), largest(mine))
    });
    Verdict {
        compared: errors.len(),
        median_error: median(&errors),
        worst_error: errors.iter().copied().reduce(f64::max),
        median_rate_error: median(&rates),
        best,
        choice,
        choice_loss,
        choice_is_good: choice_loss.map(|loss| loss <= CLOSE),
        plan_losses: plan_losses.collect(),
        differing: rows.iter().map(|r| r.differing).sum(),
    }
}

/// Of each bundle at its longest sequential draft, by task; and of all tasks.
fn curves(configurations: &[Configuration], runs: &Runs) -> Vec<Curve> {
    let mut bundles: Vec<usize> = configurations.iter().map(|c| c.bundle).collect();
    bundles.dedup();
    let mut all = vec![];
    for bundle in bundles {
        let sequential = configurations.iter().enumerate().filter(|(_, c)| {
            let kind = crate::bench::Kind::Sequential;
            c.bundle == bundle && c.schedule == kind && c.draft_length > 0
        });
        let Some((index, longest)) = sequential.max_by_key(|(_, c)| c.draft_length) else {
            continue;
        };
        let of = runs.rounds.iter().filter(|((i, _), _)| *i == index);
        let mut total = crate::acceptance::Rounds::new(longest.draft_length);
        for ((_, task), rounds) in of {
            total.merge(rounds);
            all.push(curve(bundle, task, longest.draft_length, rounds));
        }
        all.push(curve(bundle, "all", longest.draft_length, &total));
    }
    all.retain(|c: &Curve| c.rounds > 0);
    all
}

fn curve(
    bundle: usize,
    task: &str,
    draft_length: usize,
    rounds: &crate::acceptance::Rounds,
) -> Curve {
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
fn shown(
    rows: &[Row],
    lines: std::collections::BTreeMap<usize, TimeLine>,
) -> Vec<(usize, TimeLine)> {
    let fastest = |i: usize| {
        let Some(mine) = rows.get(i) else {
            return false;
        };
        let c = &mine.configuration;
        let same = rows.iter().filter(|r| {
            let o = &r.configuration;
            o.draft_length > 0 && (o.bundle, o.schedule) == (c.bundle, c.schedule)
        });
        same.map(|r| r.tokens_per_second).fold(0.0, f64::max) <= mine.tokens_per_second
    };
    lines.into_iter().filter(|(i, _)| fastest(*i)).collect()
}

impl Results {
    /// Columns of results.csv: one line a configuration.
    pub(crate) fn to_csv(&self) -> Result<String, BenchError> {
        let failed = |e: csv::Error| BenchError::Csv(e.to_string());
        let mut writer = csv::Writer::from_writer(vec![]);
        let columns = "bundle,drafter,target,schedule,draft_length,tokens,seconds,tokens_per_second,tokens_per_round,\
            speed_up,spread,speed_up_over_best,predicted_tokens_per_second,predicted_tokens_per_round,predicted_speed_up,\
            predicted_speed_up_over_best,error_percent,rate_error_percent,prediction_measured,differing";
        writer.write_record(columns.split(',')).map_err(failed)?;
        for row in &self.rows {
            let c = &row.configuration;
            let Some(bundle) = self.bundles.get(c.bundle) else {
                continue;
            };
            let p = row.predicted.as_ref();
            let number = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.4}"));
            let drafter = bundle.drafter.as_ref().map(Place::to_string);
            let record = [
                bundle.label.clone(),
                drafter.unwrap_or_default(),
                bundle.target.to_string(),
                c.schedule.name().to_owned(),
                c.draft_length.to_string(),
                row.tokens.to_string(),
                number(Some(row.seconds)),
                number(Some(row.tokens_per_second)),
                number(Some(row.tokens_per_round)),
                number(Some(row.speed_up)),
                number(Some(row.spread)),
                number(Some(row.speed_up_over_best)),
                number(p.map(|p| p.prediction.tokens_per_second)),
                number(p.map(|p| p.prediction.tokens_per_round)),
                number(p.map(|p| p.speed_up)),
                number(p.map(|p| p.speed_up_over_best)),
                number(p.map(|p| p.error)),
                number(p.map(|p| p.rate_error)),
                p.map_or_else(String::new, |p| p.prediction.measured.to_string()),
                row.differing.to_string(),
            ];
            writer.write_record(record).map_err(failed)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|e| BenchError::Csv(e.to_string()))?;
        String::from_utf8(bytes).map_err(|e| BenchError::Csv(e.to_string()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
