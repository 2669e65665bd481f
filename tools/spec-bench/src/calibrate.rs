//! Measures acceptance, of each bundle, task and draft length.

use crate::acceptance::{Rounds, Series, Table};
use crate::args::Lengths;
use crate::bench::{Bundle, Configuration, Encoded, Kind, Mode, configurations, run};
use crate::error::BenchError;
use crate::exact;
use crate::noise;
use serde::{Deserialize, Serialize};

/// Rounds of one prompt with one draft length.
pub(crate) struct Sample {
    bundle: usize,
    task: String,
    gamma: usize,
    rounds: Rounds,
}

/// Answers all prompts. With greedy decoding from one plain answer each ([`exact`]), else in real rounds of each draft length. `tick` is
/// told the prompts.
///
/// # Errors
/// Nothing makes drafts; a model fails.
pub(crate) fn samples(
    bundles: &[Bundle],
    prompts: &[Encoded],
    draft_lengths: &Lengths,
    mode: &Mode,
    mut tick: impl FnMut(&str),
) -> Result<Vec<Sample>, BenchError> {
    let mut configurations = configurations(bundles, draft_lengths, &[Kind::Sequential]);
    configurations.retain(Configuration::drafts_alike);
    if configurations.is_empty() {
        return Err(BenchError::Usage(
            "there is nothing to calibrate: no bundle has a drafter, or no draft length is above 0 (compile with --keep-drafter)".to_owned(),
        ));
    }
    let mut all = vec![];
    if !mode.sampling.is_greedy() {
        let runs = run(bundles, &configurations, prompts, mode, |r| tick(&r.prompt))?;
        for ((index, task, _), rounds) in runs.rounds {
            let Some(configuration) = configurations.get(index) else {
                continue;
            };
            all.push(Sample {
                bundle: configuration.bundle,
                task,
                gamma: configuration.draft_length,
                rounds,
            });
        }
        return Ok(all);
    }
    for (number, bundle) in bundles.iter().enumerate().filter(|(_, b)| b.drafter) {
        let answers = exact::answers(bundle, number, prompts, mode, &mut tick)?;
        for (prompt, matches) in prompts.iter().zip(answers) {
            let mine = configurations.iter().filter(|c| c.bundle == number);
            all.extend(mine.map(|c| Sample {
                bundle: number,
                task: prompt.task.clone(),
                gamma: c.draft_length,
                rounds: exact::rounds(&matches, c.draft_length),
            }));
        }
    }
    Ok(all)
}

/// The series that a sample belongs to: that of its task, and that of all.
fn series(sample: &Sample, names: &[Option<(String, String)>], mode: &str) -> Vec<Series> {
    let Some((target, drafter)) = names.get(sample.bundle).cloned().flatten() else {
        return vec![];
    };
    let of = |task: &str| Series {
        target: target.clone(),
        drafter: drafter.clone(),
        mode: mode.to_owned(),
        task: task.to_owned(),
    };
    vec![of(&sample.task), of("all")]
}

/// Adds up. `names`: target and drafter of each bundle, `None` without a drafter. `mode`: as in the file.
pub(crate) fn table(samples: &[Sample], names: &[Option<(String, String)>], mode: &str) -> Table {
    let mut table = Table::new();
    for sample in samples {
        for series in series(sample, names, mode) {
            let lengths = table.entry(series).or_default();
            let entry = lengths
                .entry(sample.gamma)
                .or_insert_with(|| Rounds::new(sample.gamma));
            entry.merge(&sample.rounds);
        }
    }
    table
}

/// How sure the tokens a round of a file of acceptance are: what stands in calibration.json beside it.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Calibration {
    /// Who made it.
    pub(crate) tool: String,
    /// Of which prompts.
    pub(crate) prompts: String,
    /// Tokens of an answer at most.
    pub(crate) max_tokens: usize,
    /// One for each line of the file of acceptance.
    pub(crate) lines: Vec<Line>,
}

/// Tokens a round of one series and draft length.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Line {
    #[serde(flatten)]
    pub(crate) series: Series,
    pub(crate) draft_length: usize,
    pub(crate) rounds: u64,
    pub(crate) tokens_per_round: f64,
    /// What other prompts of the same tasks would change; `None`: too few prompts to say.
    pub(crate) standard_error: Option<f64>,
}

/// Standard errors of all tokens a round in `table`, by the bootstrap over prompts.
pub(crate) fn lines(
    samples: &[Sample],
    table: &Table,
    names: &[Option<(String, String)>],
    mode: &str,
) -> Vec<Line> {
    let mut lines = vec![];
    for (wanted, lengths) in table {
        for (gamma, rounds) in lengths.iter().filter(|(_, r)| r.count() > 0) {
            let mine: Vec<&Sample> = samples
                .iter()
                .filter(|s| s.gamma == *gamma && series(s, names, mode).contains(wanted))
                .collect();
            let strata: Vec<&str> = mine.iter().map(|s| s.task.as_str()).collect();
            let of = |f: fn(&Rounds) -> u64| -> Vec<f64> {
                mine.iter().map(|s| f(&s.rounds) as f64).collect()
            };
            let (tokens, counts) = (of(Rounds::tokens), of(Rounds::count));
            let standard_error = noise::standard_error(&strata, |times| {
                noise::quotient(noise::sum(&tokens, times), noise::sum(&counts, times))
            });
            lines.push(Line {
                series: wanted.clone(),
                draft_length: *gamma,
                rounds: rounds.count(),
                tokens_per_round: rounds.tokens_per_round(),
                standard_error,
            });
        }
    }
    lines
}

impl Calibration {
    /// The standard error of tokens a round, relative to them: of this series, or else of the only one with its mode and task. `None`:
    /// there is no such line, or one of another calibration, with other tokens a round than `tokens`.
    pub(crate) fn relative_error(&self, series: &Series, gamma: usize, tokens: f64) -> Option<f64> {
        let alike = |l: &&Line| {
            l.draft_length == gamma
                && (&l.series.mode, &l.series.task) == (&series.mode, &series.task)
        };
        let mut exact = self
            .lines
            .iter()
            .filter(alike)
            .filter(|l| l.series == *series);
        let mut others = self.lines.iter().filter(alike);
        let only = || others.next().filter(|_| others.next().is_none());
        let line = exact.next().or_else(only)?;
        let same = (line.tokens_per_round / tokens - 1.0).abs() < 0.001;
        Some(line.standard_error? / line.tokens_per_round).filter(|_| same)
    }
}

#[cfg(test)]
mod tests;
