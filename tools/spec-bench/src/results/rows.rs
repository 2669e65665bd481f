//! What was measured, by configuration and by task.

use super::{Measured, Row, TaskRow, compare, ratio};
use crate::bench::{Configuration, Run};
use crate::forecast::Forecast;
use crate::noise;
use spec_profile::statistics::Summary;
use std::collections::BTreeMap;

/// A row a configuration.
pub(super) fn rows(
    configurations: &[Configuration],
    forecasts: &[Forecast],
    runs: &[Run],
) -> Vec<Row> {
    let numbers = 0..configurations.len();
    let mut rows: Vec<Row> = numbers
        .zip(configurations)
        .map(|(i, c)| row(i, *c, configurations, forecasts.get(i), runs))
        .collect();
    let plain = rows.iter().filter(|r| r.configuration.draft_length == 0);
    let best = plain
        .map(|r| r.measured.tokens_per_second)
        .fold(0.0, f64::max);
    let predicted = rows.iter().filter_map(|r| r.predicted);
    let promised = predicted.map(|p| p.guess.prediction.plain_tokens_per_second);
    let promised = promised.fold(0.0, f64::max);
    for row in &mut rows {
        row.speed_up_over_best = ratio(row.measured.tokens_per_second, best);
        let rate = row.predicted.map(|p| p.guess.prediction.tokens_per_second);
        row.predicted_over_best = rate.map(|rate| ratio(rate, promised));
    }
    rows
}

fn row(
    index: usize,
    configuration: Configuration,
    all: &[Configuration],
    forecast: Option<&Forecast>,
    runs: &[Run],
) -> Row {
    let plain = all
        .iter()
        .position(|c| c.bundle == configuration.bundle && c.draft_length == 0);
    let of = |i: Option<usize>| runs.iter().filter(move |r| Some(r.configuration) == i);
    let mine = || of(Some(index));
    let single: Vec<f64> = mine()
        .filter_map(|r| {
            let same = |p: &&Run| p.prompt == r.prompt && p.repeat == r.repeat;
            let plain = of(plain).find(same)?;
            Some(ratio(rate(r), rate(plain)))
        })
        .collect();
    let mut lengths: Vec<u64> = vec![];
    for run in mine() {
        lengths.resize(lengths.len().max(run.lengths.len()), 0);
        for (sum, count) in lengths.iter_mut().zip(&run.lengths) {
            *sum += count;
        }
    }
    let measured_of = |task: Option<&str>| {
        let here = |r: &&Run| task.is_none_or(|t| t == r.task);
        let is_plain = plain == Some(index);
        measured(mine().filter(here), of(plain).filter(here), is_plain)
    };
    let measured = measured_of(None);
    let mut tasks: Vec<&str> = mine().map(|r| r.task.as_str()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let by_task = tasks.into_iter().map(|task| {
        let measured = measured_of(Some(task));
        let guess = forecast.and_then(|f| f.tasks.get(task));
        TaskRow {
            task: task.to_owned(),
            predicted: guess.map(|g| compare::predicted(*g, &measured)),
            measured,
        }
    });
    let by_task = by_task.collect();
    let part = |i: usize| {
        let sum: f64 = mine().filter_map(|r| r.parts.get(i)).sum();
        ratio(sum, measured.seconds)
    };
    let sum = |f: fn(&Run) -> usize| mine().map(f).sum::<usize>() as f64;
    let guess = forecast.and_then(|f| f.pooled);
    Row {
        configuration,
        spread: Summary::of(&single).map_or(0.0, |s| s.spread),
        speed_up_over_best: 0.0,
        shares: [0, 1, 2, 3].map(part),
        drafts_per_round: ratio(sum(|r| r.drafted), sum(|r| r.rounds)),
        lengths,
        predicted: guess.map(|g| compare::predicted(g, &measured)),
        predicted_over_best: None,
        by_task,
        differing: mine().filter(|r| r.same_as_plain == Some(false)).count(),
        measured,
    }
}

fn rate(run: &Run) -> f64 {
    ratio(run.tokens as f64, run.seconds)
}

/// Sums of one prompt, over all repetitions.
#[derive(Default)]
struct Sums {
    tokens: f64,
    seconds: f64,
    rounds: f64,
    plain_tokens: f64,
    plain_seconds: f64,
}

fn measured<'a>(
    runs: impl Iterator<Item = &'a Run>,
    plain: impl Iterator<Item = &'a Run>,
    is_plain: bool,
) -> Measured {
    let mut prompts = BTreeMap::<(&str, &str), Sums>::new();
    for run in runs {
        let sums = prompts.entry((&run.task, &run.prompt)).or_default();
        sums.tokens += run.tokens as f64;
        sums.seconds += run.seconds;
        sums.rounds += run.rounds as f64;
    }
    for run in plain {
        let sums = prompts.entry((&run.task, &run.prompt)).or_default();
        sums.plain_tokens += run.tokens as f64;
        sums.plain_seconds += run.seconds;
    }
    let strata: Vec<&str> = prompts.keys().map(|(task, _)| *task).collect();
    let column = |f: fn(&Sums) -> f64| prompts.values().map(f).collect::<Vec<f64>>();
    let (tokens, seconds) = (column(|s| s.tokens), column(|s| s.seconds));
    let rounds = column(|s| s.rounds);
    let (plain_tokens, plain_seconds) = (column(|s| s.plain_tokens), column(|s| s.plain_seconds));
    let per_round = |n: &[u32]| noise::quotient(noise::sum(&tokens, n), noise::sum(&rounds, n));
    let speed_up = |n: &[u32]| {
        let mine = noise::quotient(noise::sum(&tokens, n), noise::sum(&seconds, n))?;
        let plain = noise::quotient(noise::sum(&plain_tokens, n), noise::sum(&plain_seconds, n))?;
        noise::quotient(mine, plain)
    };
    let once = vec![1; prompts.len()];
    let exactly = |of: bool, error: Option<f64>| if of { Some(0.0) } else { error };
    Measured {
        tokens: noise::sum(&tokens, &once) as usize,
        seconds: noise::sum(&seconds, &once),
        tokens_per_second: ratio(noise::sum(&tokens, &once), noise::sum(&seconds, &once)),
        tokens_per_round: per_round(&once).unwrap_or(0.0),
        tokens_per_round_error: exactly(is_plain, noise::standard_error(&strata, per_round)),
        speed_up: speed_up(&once).unwrap_or(0.0),
        standard_error: exactly(is_plain, noise::standard_error(&strata, speed_up)),
    }
}
